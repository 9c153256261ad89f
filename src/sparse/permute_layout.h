#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/sparse/kernel.h"
#include "coppice/sparse/permute.h"
#include "kernels/simd/stage.h"
#include "kernels/simd/tap_spans.h"

// How a permuted convolution lies in memory: a PermuteHeader in 64 bytes, then one part for each
// group of the convolution: a PermutePart in 64 bytes and what it points to. Lanes and channels are
// those of Permute (sparse/permute.h); a block is four vectors of lanes, narrowed to bytes
// together.
//
// Runs that lie in the padding are left out: each span of output rows (tap_spans.h) has a list of
// segments of its own, and biases of its own, those of the weights that it multiplies. Columns are
// not split. That would leave out nearly as much again, but in tiles of one and three pixels, which
// are slower than what they save: loading weights takes longer than multiplying them.

namespace coppice::sparse {

inline constexpr int kPermuteHeaderBytes = 64;
inline constexpr int kBlockVectors = 4;

struct PermuteHeader {
  kernels::simd::StageHeader stage;
  int32_t runs_in_row = 0;  ///< Of a window in a kernel row.
  int32_t split_rows = 0;   ///< Into spans; else all rows are one.
  int64_t executed = 0;     ///< Slots for one output pixel, those in the padding too.
};

/// Byte offsets from the part's begin.
struct PermutePart {
  uint64_t bytes = 0;    ///< Of the part.
  int32_t vectors = 0;   ///< Of lanes.
  uint32_t bias = 0;     ///< int32 [spans, vectors, lanes]
  uint32_t stage = 0;    ///< Stage constants [vectors]
  uint32_t order = 0;    ///< [blocks, 4 * lanes] Place of each channel among the narrowed bytes.
  uint32_t step = 0;     ///< Permute::step
  uint32_t segment = 0;  ///< PermuteSegment [all spans, all vectors]
  uint32_t end = 0;      ///< uint32 [spans, vectors] End in these.
};

static_assert(sizeof(PermuteHeader) <= kPermuteHeaderBytes);
static_assert(sizeof(PermutePart) <= kPermuteHeaderBytes);

using PermuteRun = void(const kernels::Conv2DParams& p, const void* packed,
                        const kernels::Image<const uint8_t>& x, const kernels::Image<uint8_t>& y,
                        kernels::RowRange rows);

// One function an instruction set and shape, each in a file compiled for it.
PermuteRun run_permute_avx512vnni, run_permute_blocks_avx512vnni, run_compact_blocks_avx512vnni;
PermuteRun run_shuffle_avxvnni, run_shuffle_pairs_avx2, run_table_neondot;

}  // namespace coppice::sparse
