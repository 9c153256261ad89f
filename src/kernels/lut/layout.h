#pragma once

#include <cstddef>
#include <cstdint>

// How a convolution by lookup lies in memory: LutHeader in 64 bytes, int32 bias[rows], then indices
// [chunks of kChunk inputs][blocks of 32 rows][pairs of groups][32]. A group is what one table
// serves: 4 / bits inputs. The low half of a byte indexes the table of the first group of a pair.

namespace coppice::kernels::lut {

inline constexpr int kBlockRows = 32;
inline constexpr int kChunk = 256;  ///< Inputs whose tables are made at a time (16 KB).
inline constexpr int kMostRows = 4096;
inline constexpr int kTableBytes = 32;  ///< 16 low bytes, 16 high bytes.

/// Tables of `inputs` bytes, then sums[row] += what the indices find. `inputs` is a multiple of 4.
using AddChunk = void(const uint8_t* inputs, int count, const uint8_t* indices, int blocks,
                      int32_t* sums);
AddChunk add_chunk_2_bits_avx2, add_chunk_4_bits_avx2;

}  // namespace coppice::kernels::lut
