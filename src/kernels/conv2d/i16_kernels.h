#pragma once

#include "coppice/kernels/conv2d/dense.h"
#include "kernels/simd/inline.h"

// One function an instruction set, each in a file compiled for it.

namespace coppice::kernels::conv_i16 {

/// The layer as one of bytes, two for each input.
COPPICE_INLINE Conv2DParams in_bytes(Conv2DParams p) {
  p.in_channels *= 2;
  return p;
}

using Run = void(const Conv2DParams& p, const void* packed, const Image<const int16_t>& x,
                 const Image<int16_t>& y, RowRange rows);
Run run_avx2, run_avxvnni, run_avx512, run_avx512vnni;

}  // namespace coppice::kernels::conv_i16
