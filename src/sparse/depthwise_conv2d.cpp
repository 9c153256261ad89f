#include "sparse/depthwise_f32_layout.h"
#include "sparse/depthwise_pack.h"

namespace coppice::sparse {
namespace {

using kernels::DepthwiseConv2DParams;

#if defined(__x86_64__)
constexpr SparseDepthwise<uint8_t> kU8[] = {
    {"sparse_depthwise_u8_avx512vnni", Pattern::kUnstructured, Isa::kAvx512Vnni,
     [](const DepthwiseConv2DParams& p, const int8_t* w) {
       return DepthwisePacker(p, w).accepts();
     },
     [](const DepthwiseConv2DParams& p, const int8_t* w) { return DepthwisePacker(p, w).bytes(); },
     [](const DepthwiseConv2DParams& p, const kernels::Requantize& to, const int8_t* w,
        const int32_t* bias, void* packed) { return DepthwisePacker(p, w).pack(to, bias, packed); },
     run_depthwise_avx512vnni,
     [](const DepthwiseConv2DParams& p, const void* packed) {
       return static_cast<double>(static_cast<const DepthwiseHeader*>(packed)->executed) /
              p.weights();
     }},
};

constexpr SparseDepthwise<float> kF32[] = {
    {"sparse_depthwise_f32_avx512", Pattern::kUnstructured, Isa::kAvx512,
     [](const DepthwiseConv2DParams& p, const float*) { return FloatDepthwise::accepts(p); },
     FloatDepthwise::bytes,
     [](const DepthwiseConv2DParams& p, const kernels::ClampFloat& to, const float* w,
        const float* bias, void* packed) {
       FloatDepthwise::pack(p, to, w, bias, packed);
       return true;
     },
     run_depthwise_f32_avx512,
     [](const DepthwiseConv2DParams& p, const void* packed) {
       return static_cast<double>(static_cast<const FloatDepthwise::Head*>(packed)->executed) /
              p.weights();
     }},
};
#endif

}  // namespace

#if defined(__x86_64__)
kernels::KernelList<SparseDepthwise<uint8_t>> sparse_depthwise_conv2d_u8() {
  return {kU8, static_cast<int>(sizeof(kU8) / sizeof(kU8[0]))};
}
kernels::KernelList<SparseDepthwise<float>> sparse_depthwise_conv2d_f32() {
  return {kF32, static_cast<int>(sizeof(kF32) / sizeof(kF32[0]))};
}
#else
kernels::KernelList<SparseDepthwise<uint8_t>> sparse_depthwise_conv2d_u8() { return {}; }
kernels::KernelList<SparseDepthwise<float>> sparse_depthwise_conv2d_f32() { return {}; }
#endif

}  // namespace coppice::sparse
