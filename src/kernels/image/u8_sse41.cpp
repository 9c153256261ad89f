#include "kernels/image/u8_kernels.h"
#include "kernels/image/u8_ops.h"
#include "kernels/simd/sse41.h"

namespace coppice::kernels::image_u8 {

const ImageOpsU8 kOpsSse41 = make_ops<simd::Sse41>(Isa::kSse41);

}  // namespace coppice::kernels::image_u8
