#include "kernels/simd/f32_neon.h"
#include "kernels/conv2d/f32_one_pixel.h"
#include "kernels/conv2d/f32_run.h"

namespace coppice::kernels {

extern constinit const Conv2DKernelF32 kOnePixelF32Neon =
    OnePixelF32<simd::NeonF32>::kernel("one_pixel_f32_neon", Isa::kNeon);
extern constinit const Conv2DKernelF32 kConv2DF32Neon =
    Conv2DF32<simd::NeonF32>::kernel("conv2d_f32_neon", Isa::kNeon);

}  // namespace coppice::kernels
