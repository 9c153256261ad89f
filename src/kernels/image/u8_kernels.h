#pragma once

#include "coppice/kernels/image_ops.h"

// One table an instruction set, each in a file compiled for it.

namespace coppice::kernels::image_u8 {

extern const ImageOpsU8 kOpsScalar, kOpsSse41, kOpsAvx2, kOpsAvx512, kOpsNeon;

}  // namespace coppice::kernels::image_u8
