#include "coppice/kernels/conv2d/dense.h"

namespace coppice::kernels {

#if defined(__x86_64__)
extern const Conv2DKernelF32 kOnePixelF32Avx512, kConv2DF32Avx512, kOnePixelF32Avx2, kConv2DF32Avx2;

KernelList<Conv2DKernelF32> conv2d_kernels_f32() {
  // Copied here, by code for any processor.
  static const Conv2DKernelF32 kernels[] = {kOnePixelF32Avx512, kConv2DF32Avx512, kOnePixelF32Avx2,
                                            kConv2DF32Avx2};
  return {kernels, static_cast<int>(sizeof(kernels) / sizeof(kernels[0]))};
}
#else
KernelList<Conv2DKernelF32> conv2d_kernels_f32() { return {}; }
#endif

}  // namespace coppice::kernels
