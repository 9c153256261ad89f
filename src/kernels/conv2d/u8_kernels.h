#pragma once

#include "coppice/kernels/conv2d/dense.h"

// One function an instruction set, each in a file compiled for it.

namespace coppice::kernels::conv_u8 {

using Run = void(const Conv2DParams& p, const void* packed, const Image<const uint8_t>& x,
                 const Image<uint8_t>& y, RowRange rows);
Run run_sse41, run_avx2, run_avxvnni, run_avx512, run_avx512vnni;
Run run_gathered_avx512vnni;
Run run_neon, run_neondot;
Run run_4_bits_avx512vnni, run_2_bits_avx512vnni;

}  // namespace coppice::kernels::conv_u8
