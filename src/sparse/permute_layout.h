#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/sparse/kernel.h"
#include "kernels/simd/stage.h"

// How a permuted convolution lies in memory: a PermuteHeader in 64 bytes, then one part for each
// group of the convolution: a PermutePart in 64 bytes and what it points to. Lanes and channels are
// those of Permute (sparse/permute.h); a block is four vectors of lanes, narrowed to bytes
// together.

namespace coppice::sparse {

inline constexpr int kPermuteHeaderBytes = 64;
inline constexpr int kBlockVectors = 4;

struct PermuteHeader {
  kernels::simd::StageHeader stage;
  int32_t runs = 0;         ///< In a window.
  int32_t runs_in_row = 0;  ///< In a kernel row.
  int64_t executed = 0;     ///< Weights multiplied for one output pixel, padding included.
};

/// Byte offsets from the part's begin.
struct PermutePart {
  uint64_t bytes = 0;    ///< Of the part.
  int32_t vectors = 0;   ///< Of lanes.
  uint32_t bias = 0;     ///< int32 [vectors, lanes]
  uint32_t stage = 0;    ///< Stage constants [vectors]
  uint32_t order = 0;    ///< [blocks, 4 * lanes] Place of each channel among the narrowed bytes.
  uint32_t weight = 0;   ///< Permute::weight
  uint32_t place = 0;    ///< Permute::index
  uint32_t segment = 0;  ///< Permute::segment
  uint32_t end = 0;      ///< Permute::end
};

struct PermuteSegment {
  uint16_t run, start, steps;
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
