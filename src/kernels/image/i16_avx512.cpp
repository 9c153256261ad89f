#include "kernels/simd/i16_avx512.h"
#include "kernels/image/i16_kernels.h"
#include "kernels/image/i16_ops.h"

namespace coppice::kernels::image_i16 {

const ImageOpsI16 kOpsAvx512 = make_ops<simd::Avx512I16>(Isa::kAvx512);

}  // namespace coppice::kernels::image_i16
