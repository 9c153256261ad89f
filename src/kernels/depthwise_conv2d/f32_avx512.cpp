#include "kernels/simd/f32_avx512.h"
#include "kernels/depthwise_conv2d/f32_run.h"
#include "kernels/depthwise_conv2d/f32_three.h"

namespace coppice::kernels {

extern constinit const DepthwiseConv2DKernelF32 kDepthwiseThreeF32Avx512 =
    DepthwiseThreeF32<simd::Avx512F32>::kernel("depthwise_3x3_f32_avx512", Isa::kAvx512);
extern constinit const DepthwiseConv2DKernelF32 kDepthwiseConv2DF32Avx512 =
    DepthwiseConv2DF32<simd::Avx512F32>::kernel("depthwise_conv2d_f32_avx512", Isa::kAvx512);

}  // namespace coppice::kernels
