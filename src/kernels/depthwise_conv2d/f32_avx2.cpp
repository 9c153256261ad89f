#include "kernels/simd/f32_avx2.h"
#include "kernels/depthwise_conv2d/f32_run.h"
#include "kernels/depthwise_conv2d/f32_three.h"

namespace coppice::kernels {

extern constinit const DepthwiseConv2DKernelF32 kDepthwiseThreeF32Avx2 =
    DepthwiseThreeF32<simd::Avx2F32>::kernel("depthwise_3x3_f32_avx2", Isa::kAvx2);
extern constinit const DepthwiseConv2DKernelF32 kDepthwiseConv2DF32Avx2 =
    DepthwiseConv2DF32<simd::Avx2F32>::kernel("depthwise_conv2d_f32_avx2", Isa::kAvx2);

}  // namespace coppice::kernels
