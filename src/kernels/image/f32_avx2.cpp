#include "kernels/simd/f32_avx2.h"
#include "kernels/image/f32_ops.h"

namespace coppice::kernels {

extern constinit const ImageOpsF32 kImageOpsF32Avx2 =
    ImageOpsSimdF32<simd::Avx2F32>::ops(Isa::kAvx2);

}  // namespace coppice::kernels
