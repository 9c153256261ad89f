#include "kernels/simd/f32_neon.h"
#include "kernels/image/f32_ops.h"

namespace coppice::kernels {

extern constinit const ImageOpsF32 kImageOpsF32Neon =
    ImageOpsSimdF32<simd::NeonF32>::ops(Isa::kNeon);

}  // namespace coppice::kernels
