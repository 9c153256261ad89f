#include "kernels/image/u8_kernels.h"
#include "kernels/image/u8_ops.h"
#include "kernels/simd/avx512.h"

namespace coppice::kernels::image_u8 {

const ImageOpsU8 kOpsAvx512 = make_ops<simd::Avx512>(Isa::kAvx512);

}  // namespace coppice::kernels::image_u8
