#include "kernels/simd/i16_avx2.h"
#include "kernels/image/i16_kernels.h"
#include "kernels/image/i16_ops.h"

namespace coppice::kernels::image_i16 {

const ImageOpsI16 kOpsAvx2 = make_ops<simd::Avx2I16>(Isa::kAvx2);

}  // namespace coppice::kernels::image_i16
