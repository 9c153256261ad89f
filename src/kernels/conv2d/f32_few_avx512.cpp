#include "kernels/conv2d/f32_one_pixel.h"
#include "kernels/conv2d/f32_pairs.h"
#include "kernels/conv2d/f32_rows.h"
#include "kernels/conv2d/f32_run.h"
#include "kernels/simd/f32_avx512.h"

// The kernels for few pixels or channels: all in one file take 20 s to compile.

namespace coppice::kernels {

extern constinit const Conv2DKernelF32 kOnePixelF32Avx512 =
    OnePixelF32<simd::Avx512F32>::kernel("one_pixel_f32_avx512", Isa::kAvx512);
extern constinit const Conv2DKernelF32 kPairsF32Avx512 =
    Conv2DPairsF32<simd::Avx512F32>::kernel("conv2d_pairs_f32_avx512", Isa::kAvx512);
extern constinit const Conv2DKernelF32 kRowsF32Avx512 =
    Conv2DRowsF32<simd::Avx512F32>::kernel("conv2d_rows_f32_avx512", Isa::kAvx512);
extern constinit const Conv2DKernelF32 kHalfF32Avx512 =
    Conv2DF32<simd::Avx512HalfF32>::half_kernel("conv2d_half_f32_avx512", Isa::kAvx512);

}  // namespace coppice::kernels
