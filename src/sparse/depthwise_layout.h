#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/sparse/kernel.h"
#include "kernels/simd/stage.h"

// How an int8 depthwise 3x3 convolution without its zeros lies in memory: a DepthwiseHeader in 64
// bytes, then a set for each 64 channels: a DepthwiseSet in 64 bytes, and
//   uint8 pick[2][64]    Which bytes of two input rows interleave to two vectors of kept channels.
//   uint8 order[64]      Place of each kept channel among the narrowed bytes.
//   uint8 constant[64]   What a channel without weights gives.
//   for each of the set's vectors of 16 kept channels:
//     int32 bias[16], stage constants, int8 weight[3 columns][rows][16 lanes][4 input rows]
// Channels whose kernel is zero are in no vector. The others are sorted by the columns of their
// kernels that are not zero, and a vector has its column left out where all of its lanes have it
// zero.

namespace coppice::sparse {

inline constexpr int kDepthwiseSet = 64;
inline constexpr int kDepthwiseLanes = 16;
inline constexpr int kDepthwiseKernel = 3;

struct alignas(64) DepthwiseHeader {
  kernels::simd::StageHeader stage;
  int32_t rows = 1;      ///< Output rows that share interleaved input: 1 or 2.
  int64_t executed = 0;  ///< Weights multiplied for one output pixel, padding included.
};

struct alignas(64) DepthwiseSet {
  uint64_t kept = 0;        ///< Bit for each channel that has weights.
  int32_t vectors = 0;      ///< Of kept channels, 0 to 4.
  uint8_t columns[4] = {};  ///< Of a vector: bits of the kernel columns that are not zero.
};

constexpr int depthwise_vector_bytes(kernels::simd::StageKind kind, int rows) {
  return 4 * kDepthwiseLanes + kernels::simd::stage_bytes(kind, kDepthwiseLanes) +
         kDepthwiseKernel * rows * 4 * kDepthwiseLanes;
}
constexpr int depthwise_set_bytes(kernels::simd::StageKind kind, int rows, int vectors) {
  return static_cast<int>(sizeof(DepthwiseSet)) + 4 * kDepthwiseSet +
         vectors * depthwise_vector_bytes(kind, rows);
}

/// Two output rows share the interleaved bytes of four input rows where they are neighbours.
constexpr int depthwise_rows(const kernels::DepthwiseConv2DParams& p) {
  return p.window.stride_h == 1 ? 2 : 1;
}

using DepthwiseRunU8 = void(const kernels::DepthwiseConv2DParams& p, const void* packed,
                            const kernels::Image<const uint8_t>& x,
                            const kernels::Image<uint8_t>& y, kernels::RowRange rows);
DepthwiseRunU8 run_depthwise_avx512vnni;

using DepthwiseRunF32 = void(const kernels::DepthwiseConv2DParams& p, const void* packed,
                             const kernels::Image<const float>& x, const kernels::Image<float>& y,
                             kernels::RowRange rows);
DepthwiseRunF32 run_depthwise_f32_avx512;

}  // namespace coppice::sparse
