#include "kernels/image/u8_kernels.h"
#include "kernels/image/u8_ops.h"
#include "kernels/simd/neon.h"

namespace coppice::kernels::image_u8 {

const ImageOpsU8 kOpsNeon = make_ops<simd::Neon>(Isa::kNeon);

}  // namespace coppice::kernels::image_u8
