#include "kernels/simd/f32_avx512.h"
#include "kernels/image/f32_ops.h"

namespace coppice::kernels {

extern constinit const ImageOpsF32 kImageOpsF32Avx512 =
    ImageOpsSimdF32<simd::Avx512F32>::ops(Isa::kAvx512);

}  // namespace coppice::kernels
