#include "kernels/image/u8_kernels.h"
#include "kernels/image/u8_ops.h"
#include "kernels/simd/avx2.h"

namespace coppice::kernels::image_u8 {

const ImageOpsU8 kOpsAvx2 = make_ops<simd::Avx2>(Isa::kAvx2);

}  // namespace coppice::kernels::image_u8
