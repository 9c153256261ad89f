#include "kernels/simd/f32_avx2.h"
#include "kernels/depthwise_conv2d/f32_run.h"

namespace coppice::kernels {

extern constinit const DepthwiseConv2DKernelF32 kDepthwiseConv2DF32Avx2 =
    DepthwiseConv2DF32<simd::Avx2F32>::kernel("depthwise_conv2d_f32_avx2", Isa::kAvx2);

}  // namespace coppice::kernels
