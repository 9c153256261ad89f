#include "kernels/simd/f32_avx2.h"
#include "kernels/conv2d/f32_one_pixel.h"
#include "kernels/conv2d/f32_pairs.h"
#include "kernels/conv2d/f32_run.h"

namespace coppice::kernels {

extern constinit const Conv2DKernelF32 kOnePixelF32Avx2 =
    OnePixelF32<simd::Avx2F32>::kernel("one_pixel_f32_avx2", Isa::kAvx2);
extern constinit const Conv2DKernelF32 kPairsF32Avx2 =
    Conv2DPairsF32<simd::Avx2F32>::kernel("conv2d_pairs_f32_avx2", Isa::kAvx2);
extern constinit const Conv2DKernelF32 kConv2DF32Avx2 =
    Conv2DF32<simd::Avx2F32>::kernel("conv2d_f32_avx2", Isa::kAvx2);

}  // namespace coppice::kernels
