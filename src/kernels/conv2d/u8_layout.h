#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/kernels/conv2d/conv2d.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/stage.h"
#include "kernels/simd/tap_spans.h"

// How an int8 convolution lies in memory for the vector kernels. A Header in 64 bytes, then blocks
// of up to four vectors of output channels (a block never crosses a group):
//   int32 bias[kinds][vectors][lanes], stage constants[vectors],
//   weights[kernel_h][runs][words][vectors].
// A kind of pixels sees the same taps (tap_spans.h); its bias has the inputs' offset for these.
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
  const int depth = p.in_per_group();
  const bool whole_row = p.groups == 1 && (p.window.dilation_w == 1 || p.window.kernel_w == 1);
  const int bytes = whole_row ? p.window.kernel_w * depth : depth;
  return {whole_row ? 1 : p.window.kernel_w, bytes,
          (bytes + 4 * fields - 1) / (4 * fields) * fields};
}

/// How pixels differ in the taps that they see; 0: along this axis all taps count as seen.
struct Kinds {
  int32_t rows = 0, columns = 0;

  COPPICE_INLINE constexpr int count() const {
    return (rows > 0 ? rows : 1) * (columns > 0 ? columns : 1);
  }
  COPPICE_INLINE constexpr int index(const simd::TapRectangle& r) const {
    return r.column_kind * (rows > 0 ? rows : 1) + r.row_kind;
  }
};

struct Header {
  simd::StageHeader stage;
  Kinds kinds;
};
static_assert(sizeof(Header) <= kHeaderBytes);

/// The kinds that a layer is packed for: a tap of a kernel row can be left out where it is whole
/// words, and a kind costs as much memory as a word.
inline Kinds kinds_of(const Conv2DParams& p, int fields) {
  const Runs runs = runs_of(p, fields);
  const int words = p.window.kernel_h * runs.count * runs.words;
  const auto kinds_along = [](const simd::WindowAxis& axis) {
    return simd::is_padded(axis) ? simd::tap_spans(axis) : 0;
  };
  Kinds kinds{kinds_along(simd::WindowAxis::rows(p.window)),
              kinds_along(simd::WindowAxis::columns(p.window))};
  const bool whole_words = runs.count > 1 || p.in_per_group() % (4 * fields) == 0;
  if (!whole_words || kinds.count() > words) kinds.columns = 0;
  if (kinds.count() > words) kinds.rows = 0;
  return kinds;
}

/// Sizes of a block of `vectors` vectors of channels.
struct BlockBytes {
  int stage;     ///< Offset of the stage constants.
  int weights;   ///< Offset of the weights.
  size_t total;  ///< Whole block.
};

COPPICE_INLINE BlockBytes block_bytes(const Conv2DParams& p, const Kinds& kinds,
                                      simd::StageKind stage, int vectors, int lanes,
                                      int weight_bytes, int fields) {
  const Runs runs = runs_of(p, fields);
  const int biases = kinds.count() * vectors * 4 * lanes;
  const int weights = biases + vectors * simd::stage_bytes(stage, lanes);
  const size_t words = static_cast<size_t>(p.window.kernel_h) * static_cast<size_t>(runs.count) *
                       static_cast<size_t>(runs.words / fields);
  return {biases, weights,
          static_cast<size_t>(weights) +
              words * static_cast<size_t>(vectors * 4 * lanes) * static_cast<size_t>(weight_bytes)};
}

/// Vectors of the block that starts at output channel `first` of a group.
COPPICE_INLINE int block_vectors(int group_channels, int first, int lanes) {
  const int vectors = (group_channels - first + lanes - 1) / lanes;
  return vectors < kBlockVectors ? vectors : kBlockVectors;
}

}  // namespace coppice::kernels::conv_u8
