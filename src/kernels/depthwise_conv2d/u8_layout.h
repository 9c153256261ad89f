#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/kernels/depthwise_conv2d/depthwise_conv2d.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/stage.h"

// How an int8 depthwise convolution lies in memory for the vector kernels. Four input rows are
// interleaved byte by byte, so that a lane holds one column of a window and one dot product serves
// up to four kernel rows. A StageHeader in 64 bytes, then sets of four vectors of outputs:
//   int32 bias[4][lanes], stage constants[4], weights[row quads][kernel_w][rows][4]
// where `rows` output rows share the interleaved bytes. A set serves 4 * lanes neighbouring bytes
// of an input row: with stride 1 pixels run into each other and the sets repeat when channels and
// vectors meet again; with stride 2 and few channels every second pixel is gathered to the same
// end; else each pixel starts anew. Each set comes once for each multiple.

namespace coppice::kernels::depthwise_u8 {

inline constexpr int kHeaderBytes = 64;

struct Plan {
  bool flat;      ///< Pixels of a row run into each other.
  bool gathers;   ///< Every second pixel of a row is gathered (AVX-512 only).
  int sets;       ///< Before they repeat; without the multiplier.
  int rows;       ///< Output rows at a time: 1 or 2.
  int row_quads;  ///< Quadruples of input rows.
};

COPPICE_INLINE Plan plan_of(const DepthwiseConv2DParams& p, int lanes) {
  const Window2D& w = p.window;
  const int quad = 4 * lanes;
  Plan plan;
  plan.flat = w.stride_w == 1;
  int common = quad;  // Greatest common divisor with the channels: quad is a power of two.
  while (p.channels % common != 0) common /= 2;
  const bool pairs = w.stride_h == 1 && w.dilation_h == 1 && w.kernel_h % 4 != 0;
  plan.gathers = lanes == 16 && w.stride_w == 2 && !pairs && p.channels < quad &&
                 p.channels % 8 == 0 && common == p.channels;
  plan.sets = plan.flat || plan.gathers ? p.channels / common : (p.channels + quad - 1) / quad;
  plan.rows = pairs ? 2 : 1;
  plan.row_quads = (w.kernel_h + 3) / 4;
  return plan;
}

COPPICE_INLINE size_t set_bytes(const DepthwiseConv2DParams& p, const Plan& plan,
                                simd::StageKind stage, int lanes, int weight_bytes) {
  const int words = plan.row_quads * p.window.kernel_w * plan.rows;
  return static_cast<size_t>(4 * (4 * lanes + simd::stage_bytes(stage, lanes)) +
                             words * 16 * lanes * weight_bytes);
}

}  // namespace coppice::kernels::depthwise_u8
