#pragma once

#include "coppice/kernels/conv2d/dense.h"

// One function an instruction set, each in a file compiled for it.

namespace coppice::kernels::conv_i16 {

using Run = void(const Conv2DParams& p, const void* packed, const Image<const int16_t>& x,
                 const Image<int16_t>& y, RowRange rows);
Run run_avx2, run_avxvnni, run_avx512, run_avx512vnni;

}  // namespace coppice::kernels::conv_i16
