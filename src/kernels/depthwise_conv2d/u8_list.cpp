#include "kernels/depthwise_conv2d/u8_kernels.h"
#include "kernels/depthwise_conv2d/u8_pack.h"

namespace coppice::kernels {
namespace {

template <simd::VectorLayout kLayout>
constexpr DepthwiseConv2DKernelU8 kernel(const char* name, Isa isa, depthwise_u8::Run* run) {
  return {
      name,
      isa,
      [](const DepthwiseConv2DParams&) { return true; },
      [](const DepthwiseConv2DParams& p) { return depthwise_u8::packed_bytes(kLayout, p); },
      [](const DepthwiseConv2DParams& p, const Requantize& to, const int8_t* w, const int32_t* bias,
         void* packed) { return depthwise_u8::pack(kLayout, p, to, w, bias, packed); },
      run};
}

#if defined(__x86_64__)
constexpr DepthwiseConv2DKernelU8 kKernels[] = {
    kernel<simd::kAvx512VnniLayout>("depthwise_conv2d_u8_avx512vnni", Isa::kAvx512Vnni,
                                    depthwise_u8::run_avx512vnni),
    kernel<simd::kAvx512Layout>("depthwise_conv2d_u8_avx512", Isa::kAvx512,
                                depthwise_u8::run_avx512),
    kernel<simd::kAvxVnniLayout>("depthwise_conv2d_u8_avxvnni", Isa::kAvxVnni,
                                 depthwise_u8::run_avxvnni),
    kernel<simd::kAvx2Layout>("depthwise_conv2d_u8_avx2", Isa::kAvx2, depthwise_u8::run_avx2),
    kernel<simd::kSse41Layout>("depthwise_conv2d_u8_sse41", Isa::kSse41, depthwise_u8::run_sse41),
};
#elif defined(__aarch64__)
constexpr DepthwiseConv2DKernelU8 kKernels[] = {
    kernel<simd::kNeonDotLayout>("depthwise_conv2d_u8_neondot", Isa::kNeonDot,
                                 depthwise_u8::run_neondot),
    kernel<simd::kNeonLayout>("depthwise_conv2d_u8_neon", Isa::kNeon, depthwise_u8::run_neon),
};
#endif

}  // namespace

#if defined(__x86_64__) || defined(__aarch64__)
KernelList<DepthwiseConv2DKernelU8> depthwise_conv2d_kernels_u8() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}
#else
KernelList<DepthwiseConv2DKernelU8> depthwise_conv2d_kernels_u8() { return {}; }
#endif

}  // namespace coppice::kernels
