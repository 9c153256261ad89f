#include "kernels/depthwise_conv2d/f32_run.h"
#include "kernels/simd/f32_portable.h"

namespace coppice::kernels {

#if defined(__x86_64__)
extern const DepthwiseConv2DKernelF32 kDepthwiseThreeF32Avx512, kDepthwiseConv2DF32Avx512,
    kDepthwiseThreeF32Avx2, kDepthwiseConv2DF32Avx2;
#elif defined(__aarch64__)
extern const DepthwiseConv2DKernelF32 kDepthwiseThreeF32Neon, kDepthwiseConv2DF32Neon;
#endif

KernelList<DepthwiseConv2DKernelF32> depthwise_conv2d_kernels_f32() {
  static const DepthwiseConv2DKernelF32 all[] = {
#if defined(__x86_64__)
    kDepthwiseThreeF32Avx512,
    kDepthwiseConv2DF32Avx512,
    kDepthwiseThreeF32Avx2,
    kDepthwiseConv2DF32Avx2,
#elif defined(__aarch64__)
    kDepthwiseThreeF32Neon,
    kDepthwiseConv2DF32Neon,
#endif
    DepthwiseConv2DF32<simd::PortableF32>::kernel("depthwise_conv2d_f32", Isa::kScalar),
  };
  return {all, static_cast<int>(sizeof(all) / sizeof(all[0]))};
}

}  // namespace coppice::kernels
