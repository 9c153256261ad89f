#pragma once

#include "coppice/kernels/depthwise_conv2d/dense.h"

// One function an instruction set, each in a file compiled for it.

namespace coppice::kernels::depthwise_u8 {

using Run = void(const DepthwiseConv2DParams& p, const void* packed, const Image<const uint8_t>& x,
                 const Image<uint8_t>& y, RowRange rows);
Run run_sse41, run_avx2, run_avxvnni, run_avx512, run_avx512vnni;
Run run_neon, run_neondot;

}  // namespace coppice::kernels::depthwise_u8
