#include "kernels/depthwise_conv2d/u8_kernels.h"
#include "kernels/depthwise_conv2d/u8_pack.h"

namespace coppice::kernels {
namespace {

template <int kLanes, int kWeightBytes>
constexpr DepthwiseConv2DKernelU8 kernel(const char* name, Isa isa, depthwise_u8::Run* run) {
  return {name,
          isa,
          [](const DepthwiseConv2DParams&) { return true; },
          [](const DepthwiseConv2DParams& p) {
            return depthwise_u8::packed_bytes({kLanes, kWeightBytes}, p);
          },
          [](const DepthwiseConv2DParams& p, const Requantize& to, const int8_t* w,
             const int32_t* bias, void* packed) {
            return depthwise_u8::pack({kLanes, kWeightBytes}, p, to, w, bias, packed);
          },
          run};
}

#if defined(__x86_64__)
constexpr DepthwiseConv2DKernelU8 kKernels[] = {
    kernel<16, 1>("depthwise_conv2d_u8_avx512vnni", Isa::kAvx512Vnni, depthwise_u8::run_avx512vnni),
    kernel<16, 2>("depthwise_conv2d_u8_avx512", Isa::kAvx512, depthwise_u8::run_avx512),
    kernel<8, 1>("depthwise_conv2d_u8_avxvnni", Isa::kAvxVnni, depthwise_u8::run_avxvnni),
    kernel<8, 2>("depthwise_conv2d_u8_avx2", Isa::kAvx2, depthwise_u8::run_avx2),
};
#endif

}  // namespace

#if defined(__x86_64__)
KernelList<DepthwiseConv2DKernelU8> depthwise_conv2d_kernels_u8() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}
#else
KernelList<DepthwiseConv2DKernelU8> depthwise_conv2d_kernels_u8() { return {}; }
#endif

}  // namespace coppice::kernels
