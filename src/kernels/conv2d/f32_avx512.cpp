#include "kernels/simd/f32_avx512.h"
#include "kernels/conv2d/f32_run.h"

namespace coppice::kernels {

extern constinit const Conv2DKernelF32 kConv2DF32Avx512 =
    Conv2DF32<simd::Avx512F32>::kernel("conv2d_f32_avx512", Isa::kAvx512);

}  // namespace coppice::kernels
