#pragma once

#include "coppice/kernels/image_ops.h"

// One table an instruction set, each in a file compiled for it.

namespace coppice::kernels::image_i16 {

extern const ImageOpsI16 kOpsScalar, kOpsAvx2, kOpsAvx512;

}  // namespace coppice::kernels::image_i16
