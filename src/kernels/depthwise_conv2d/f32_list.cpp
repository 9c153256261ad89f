#include "coppice/kernels/depthwise_conv2d/dense.h"

namespace coppice::kernels {

#if defined(__x86_64__)
extern const DepthwiseConv2DKernelF32 kDepthwiseConv2DF32Avx512, kDepthwiseConv2DF32Avx2;

KernelList<DepthwiseConv2DKernelF32> depthwise_conv2d_kernels_f32() {
  // Copied here, by code for any processor.
  static const DepthwiseConv2DKernelF32 kernels[] = {kDepthwiseConv2DF32Avx512,
                                                     kDepthwiseConv2DF32Avx2};
  return {kernels, static_cast<int>(sizeof(kernels) / sizeof(kernels[0]))};
}
#else
KernelList<DepthwiseConv2DKernelF32> depthwise_conv2d_kernels_f32() { return {}; }
#endif

}  // namespace coppice::kernels
