#include "kernels/conv2d/f32_one_pixel.h"
#include "kernels/conv2d/f32_run.h"
#include "kernels/simd/f32_portable.h"

namespace coppice::kernels {

#if defined(__x86_64__)
extern const Conv2DKernelF32 kOnePixelF32Avx512, kRowsF32Avx512, kPairsF32Avx512, kHalfF32Avx512,
    kConv2DF32Avx512, kOnePixelF32Avx2, kPairsF32Avx2, kConv2DF32Avx2;
#elif defined(__aarch64__)
extern const Conv2DKernelF32 kOnePixelF32Neon, kConv2DF32Neon;
#endif

KernelList<Conv2DKernelF32> conv2d_kernels_f32() {
  static const Conv2DKernelF32 all[] = {
#if defined(__x86_64__)
    kOnePixelF32Avx512,
    kRowsF32Avx512,
    kPairsF32Avx512,
    kHalfF32Avx512,
    kConv2DF32Avx512,
    kOnePixelF32Avx2,
    kPairsF32Avx2,
    kConv2DF32Avx2,
#elif defined(__aarch64__)
    kOnePixelF32Neon,
    kConv2DF32Neon,
#endif
    OnePixelF32<simd::PortableF32>::kernel("one_pixel_f32", Isa::kScalar),
    Conv2DF32<simd::PortableF32>::kernel("conv2d_f32", Isa::kScalar),
  };
  return {all, static_cast<int>(sizeof(all) / sizeof(all[0]))};
}

}  // namespace coppice::kernels
