#pragma once

#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "kernels/simd/stage.h"

// One function an instruction set, each in a file compiled for it. Packed: a StageHeader in
// kHeaderBytes, then for each vector of channels, in vectors of int32: biases, the constants of the
// stage, a vector of weights a tap, each in the lower half of its lane.

namespace coppice::kernels::depthwise_i16 {

using Run = void(const DepthwiseConv2DParams& p, const void* packed, const Image<const int16_t>& x,
                 const Image<int16_t>& y, RowRange rows);
Run run_avx2, run_avxvnni, run_avx512, run_avx512vnni;

inline constexpr int kHeaderBytes = 64;
constexpr int stage_offset(int lanes) { return 4 * lanes; }
constexpr int weights_offset(int lanes) {
  return stage_offset(lanes) + simd::stage_bytes(simd::StageKind::kShift, lanes);
}
constexpr int group_bytes(int taps, int lanes) { return weights_offset(lanes) + taps * 4 * lanes; }

}  // namespace coppice::kernels::depthwise_i16
