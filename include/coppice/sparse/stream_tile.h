#pragma once

#include <cstdint>

#include "coppice/sparse/weights.h"

namespace coppice::sparse {

/// Registers that a FloatStream is packed for.
struct StreamShape {
  int lanes = 16;
  int registers = 32;
};

/// A block of output pixels in one lane; a vector register each.
struct StreamBlock {
  int h, w;
};
/// The blocks that kernels are compiled for.
inline constexpr StreamBlock kStreamBlocks[] = {{1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 6}, {1, 8},
                                                {2, 1}, {2, 2}, {2, 3}, {2, 4}, {2, 6}, {2, 8},
                                                {4, 1}, {4, 2}, {4, 3}, {4, 4}};

/// Whether the sums of a block fit the registers: some channels of each pixel, and the operands.
constexpr bool block_fits(const StreamBlock& block, int rows, int registers) {
  const int vectors = block.h * block.w;
  return rows == 1 ? vectors <= registers / 2 + registers / 8 && vectors <= 16
                   : rows * vectors + rows + 1 <= registers;
}

/// Input positions along one axis that the block of a lane reads. Slots of one phase of the stride
/// lie side by side, so that the next output pixel is always one slot further.
struct StreamAxis {
  static constexpr int kMostSlots = 40;
  static constexpr int kMostTaps = 12;
  int16_t slots = 0;
  int16_t coordinate[kMostSlots] = {};  ///< Of a slot, from the block's first tap.
  int16_t tap_slot[kMostTaps] = {};     ///< That the first output pixel reads under a tap.

  static constexpr bool fits(int block, int kernel, int stride, int dilation) {
    return kernel <= kMostTaps && stride <= kMostTaps &&
           (kernel - 1) * dilation + block * stride <= kMostSlots;
  }
  constexpr StreamAxis() = default;
  constexpr StreamAxis(int block, int kernel, int stride, int dilation) {
    for (int phase = 0; phase < stride; ++phase) {
      int low = kMostSlots, high = -1;
      for (int tap = 0; tap < kernel; ++tap) {
        if (tap * dilation % stride != phase) continue;
        const int at = tap * dilation / stride;
        low = at < low ? at : low;
        high = at + block - 1 > high ? at + block - 1 : high;
      }
      for (int tap = 0; tap < kernel; ++tap) {
        if (tap * dilation % stride != phase) continue;
        tap_slot[tap] = static_cast<int16_t>(slots + tap * dilation / stride - low);
      }
      for (int at = low; at <= high; ++at) {
        coordinate[slots++] = static_cast<int16_t>(at * stride + phase);
      }
    }
  }
};

/// How a kernel with pixels in its lanes goes over an image. A tile of output pixels is a grid of
/// lanes, each with a block of pixels; register t holds pixel t of every lane's block. What the
/// blocks read is copied to memory as [channel][slot][lane]: every operand is an aligned vector at
/// a constant distance, for any window, and a shift by a pixel is another slot. A 1x1 window has
/// `linear` tiles: pixel t * lanes + lane of a run of pixels.
///
/// Input channels come in chunks whose part of the tile stays in the first-level cache.
struct StreamTile {
  int lanes = 0;  ///< 0: no tile fits.
  int lane_columns = 1;
  StreamBlock block{1, 1};
  bool linear = false;
  int chunk_channels = 1, chunks = 1;
  int kernel_w = 1;
  StreamAxis y, x;

  [[gnu::always_inline]] constexpr int vectors() const { return block.h * block.w; }
  [[gnu::always_inline]] constexpr int slots() const {
    return linear ? vectors() : y.slots * x.slots;
  }
  constexpr int vector_bytes() const { return lanes * static_cast<int>(sizeof(float)); }
  constexpr int slot_of(int tap) const {
    return linear ? 0 : y.tap_slot[tap / kernel_w] * x.slots + x.tap_slot[tap % kernel_w];
  }
  constexpr int tap_at(int slot) const {
    int tap = 0;
    while (slot_of(tap) != slot) ++tap;
    return tap;
  }
};

/// Most bytes of a chunk of the tile, and of all sums of a tile.
inline constexpr int kStreamTileBytes = 37 * 1024;
inline constexpr int kStreamSumBytes = 64 * 1024;

/// Steps of about one multiply-add that a layer takes in tiles like this.
constexpr int64_t tile_cost(const kernels::Conv2DParams& p, const StreamTile& tile, int rows,
                            int64_t entries) {
  const int vectors = tile.vectors(), tile_h = tile.lanes / tile.lane_columns * tile.block.h,
            tile_w = tile.lane_columns * tile.block.w, out = p.window.out_h * p.window.out_w;
  const int64_t tiles = tile.linear ? (out + vectors * tile.lanes - 1) / (vectors * tile.lanes)
                                    : int64_t{(p.window.out_h + tile_h - 1) / tile_h} *
                                          ((p.window.out_w + tile_w - 1) / tile_w);
  const int64_t blocks = (p.out_channels + rows - 1) / rows;
  const int transpose = 5 * tile.lanes;
  const auto vectors_of = [&](int channels) { return (channels + tile.lanes - 1) / tile.lanes; };
  const int64_t products = entries * (2 * rows * vectors + (rows == 1 ? 1 : rows + vectors)) / 2;
  const int64_t sums = blocks * tile.chunks * (10 + rows * vectors * (tile.chunks > 1 ? 3 : 1));
  const int64_t copies =
      transpose * (int64_t{tile.slots()} * tile.chunks * vectors_of(tile.chunk_channels) +
                   int64_t{vectors} * vectors_of(p.out_channels));
  return tiles * (products + sums + copies);
}

/// The tile of least cost; its lanes are 0 when none fits.
constexpr StreamTile choose_tile(const kernels::Conv2DParams& p, const StreamShape& shape, int rows,
                                 int64_t entries) {
  StreamTile best;
  int64_t least = 0;
  const kernels::Window2D& w = p.window;
  const bool linear = w.kernel_h == 1 && w.kernel_w == 1;
  for (const StreamBlock& block : kStreamBlocks) {
    const int blocks = (p.out_channels + rows - 1) / rows * rows;
    if (!block_fits(block, rows, shape.registers) || (linear && block.h != 1) ||
        blocks * block.h * block.w * shape.lanes * 4 > kStreamSumBytes ||
        !StreamAxis::fits(block.h, w.kernel_h, w.stride_h, w.dilation_h) ||
        !StreamAxis::fits(block.w, w.kernel_w, w.stride_w, w.dilation_w)) {
      continue;
    }
    for (int columns = 1; columns <= shape.lanes; columns *= 2) {
      StreamTile tile;
      tile.lanes = shape.lanes;
      tile.lane_columns = columns;
      tile.block = block;
      tile.linear = linear;
      tile.kernel_w = w.kernel_w;
      tile.y = StreamAxis(block.h, w.kernel_h, w.stride_h, w.dilation_h);
      tile.x = StreamAxis(block.w, w.kernel_w, w.stride_w, w.dilation_w);
      const int room = kStreamTileBytes / (tile.slots() * tile.vector_bytes());
      if (room == 0) continue;
      tile.chunk_channels = p.in_channels <= room ? p.in_channels
                            : room < shape.lanes  ? room
                                                  : room / shape.lanes * shape.lanes;
      tile.chunks = (p.in_channels + tile.chunk_channels - 1) / tile.chunk_channels;
      const int64_t cost = tile_cost(p, tile, rows, entries);
      if (best.lanes != 0 && cost >= least) continue;
      best = tile;
      least = cost;
    }
  }
  return best;
}

}  // namespace coppice::sparse
