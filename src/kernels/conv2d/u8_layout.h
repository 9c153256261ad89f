#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/kernels/conv2d/conv2d.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/stage.h"

// How an int8 convolution lies in memory for the vector kernels. A StageHeader in 64 bytes, then
// blocks of up to four vectors of output channels (a block never crosses a group):
//   int32 bias[vectors][lanes], stage constants[vectors], weights[kernel_h][runs][words][vectors].
// Along a kernel row the input bytes are one contiguous run, read in words of four; weights are
// zero where a word reaches beyond the run. With dilation or groups each tap is a run of its own.
// A block of four vectors holds its channels in the order of quad_place(), others in their own.

namespace coppice::kernels::conv_u8 {

inline constexpr int kHeaderBytes = 64;
inline constexpr int kBlockVectors = 4;

/// The runs of input bytes of one kernel row.
struct Runs {
  int count;  ///< Runs in a kernel row.
  int bytes;  ///< Of a run.
  int words;  ///< Of four bytes; a multiple of the words that share bytes (VectorLayout::fields).
};

COPPICE_INLINE Runs runs_of(const Conv2DParams& p, int fields) {
  const int depth = p.in_channels / p.groups;
  const bool whole_row = p.groups == 1 && (p.window.dilation_w == 1 || p.window.kernel_w == 1);
  const int bytes = whole_row ? p.window.kernel_w * depth : depth;
  return {whole_row ? 1 : p.window.kernel_w, bytes,
          (bytes + 4 * fields - 1) / (4 * fields) * fields};
}

/// Sizes of a block of `vectors` vectors of channels.
struct BlockBytes {
  int stage;     ///< Offset of the stage constants.
  int weights;   ///< Offset of the weights.
  size_t total;  ///< Whole block.
};

COPPICE_INLINE BlockBytes block_bytes(const Conv2DParams& p, simd::StageKind stage, int vectors,
                                      int lanes, int weight_bytes, int fields) {
  const Runs runs = runs_of(p, fields);
  const int weights = vectors * (4 * lanes + simd::stage_bytes(stage, lanes));
  const size_t words = static_cast<size_t>(p.window.kernel_h) * static_cast<size_t>(runs.count) *
                       static_cast<size_t>(runs.words / fields);
  return {vectors * 4 * lanes, weights,
          static_cast<size_t>(weights) +
              words * static_cast<size_t>(vectors * 4 * lanes) * static_cast<size_t>(weight_bytes)};
}

/// Vectors of the block that starts at output channel `first` of a group.
COPPICE_INLINE int block_vectors(int group_channels, int first, int lanes) {
  const int vectors = (group_channels - first + lanes - 1) / lanes;
  return vectors < kBlockVectors ? vectors : kBlockVectors;
}

}  // namespace coppice::kernels::conv_u8
