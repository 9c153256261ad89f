#include "kernels/simd/f32_neon.h"
#include "kernels/depthwise_conv2d/f32_run.h"
#include "kernels/depthwise_conv2d/f32_three.h"

namespace coppice::kernels {

extern constinit const DepthwiseConv2DKernelF32 kDepthwiseThreeF32Neon =
    DepthwiseThreeF32<simd::NeonF32>::kernel("depthwise_3x3_f32_neon", Isa::kNeon);
extern constinit const DepthwiseConv2DKernelF32 kDepthwiseConv2DF32Neon =
    DepthwiseConv2DF32<simd::NeonF32>::kernel("depthwise_conv2d_f32_neon", Isa::kNeon);

}  // namespace coppice::kernels
