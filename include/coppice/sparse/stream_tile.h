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
/// In tiles of `strips` lanes are neighbours: register t holds one row of lane_columns = lanes
/// pixels, or two of half as many. What a strip reads is copied once, [channel][pixel], and
/// operands begin at any pixel. That costs loads, which multiply-adds of several rows hide, and
/// saves copies: blocks have a pixel in as many slots as taps see it.
///
/// Input channels come in chunks, see stream_tile_floats().
struct StreamTile {
  int lanes = 0;  ///< 0: no tile fits.
  int lane_columns = 1;
  StreamBlock block{1, 1};
  bool linear = false, strips = false;
  int chunk_channels = 1, chunks = 1;
  int kernel_w = 1;
  StreamAxis y, x;

  [[gnu::always_inline]] constexpr int vectors() const { return block.h * block.w; }
  [[gnu::always_inline]] constexpr int slots() const {
    return linear ? vectors() : y.slots * x.slots;
  }
  /// Floats of a slot.
  [[gnu::always_inline]] constexpr int slot_floats() const { return strips ? 1 : lanes; }
  [[gnu::always_inline]] constexpr int channel_floats() const {
    return (slots() * slot_floats() + lanes - 1) / lanes * lanes;
  }
  constexpr int slot_of(int tap) const {
    return linear ? 0 : y.tap_slot[tap / kernel_w] * x.slots + x.tap_slot[tap % kernel_w];
  }
  constexpr int tap_at(int slot) const {
    int tap = 0;
    while (slot_of(tap) != slot) ++tap;
    return tap;
  }
};

/// Most floats of a chunk of the tile: with one multiply-add a load it stays in the first-level
/// cache, with four the second-level one is fast enough.
constexpr int stream_tile_floats(int rows) { return (rows == 1 ? 37 : 148) * 256; }
/// Most bytes of all sums of a tile.
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
  const int64_t copies = transpose * (int64_t{tile.channel_floats() / tile.lanes} * tile.chunks *
                                          vectors_of(tile.chunk_channels) +
                                      int64_t{vectors} * vectors_of(p.out_channels));
  return tiles * (products + sums + copies);
}

/// The tile of a block and so many lanes side by side; its lanes are 0 if it does not fit.
constexpr StreamTile make_tile(const kernels::Conv2DParams& p, const StreamShape& shape, int rows,
                               const StreamBlock& block, int columns, bool strips) {
  const kernels::Window2D& w = p.window;
  StreamTile tile;
  tile.lane_columns = columns;
  tile.block = block;
  tile.linear = w.kernel_h == 1 && w.kernel_w == 1;
  tile.strips = strips;
  tile.kernel_w = w.kernel_w;
  const int height = strips ? block.h * shape.lanes / columns : block.h;
  const int width = strips ? columns : block.w;
  const int channels = (p.out_channels + rows - 1) / rows * rows;
  if (!block_fits(block, rows, shape.registers) || (tile.linear && (block.h != 1 || strips)) ||
      channels * tile.vectors() * shape.lanes * 4 > kStreamSumBytes ||
      (strips && (rows == 1 || block.w != 1 || w.stride_h != 1 || w.stride_w != 1 ||
                  columns < (shape.lanes == 16 ? 8 : shape.lanes))) ||
      !StreamAxis::fits(height, w.kernel_h, w.stride_h, w.dilation_h) ||
      !StreamAxis::fits(width, w.kernel_w, w.stride_w, w.dilation_w)) {
    return tile;
  }
  tile.lanes = shape.lanes;
  tile.y = StreamAxis(height, w.kernel_h, w.stride_h, w.dilation_h);
  tile.x = StreamAxis(width, w.kernel_w, w.stride_w, w.dilation_w);
  const int room = stream_tile_floats(rows) / tile.channel_floats();
  if (room == 0) tile.lanes = 0;
  tile.chunk_channels = p.in_channels <= room ? p.in_channels
                        : room < shape.lanes  ? room
                                              : room / shape.lanes * shape.lanes;
  if (room != 0) tile.chunks = (p.in_channels + tile.chunk_channels - 1) / tile.chunk_channels;
  return tile;
}

/// The tile of least cost; its lanes are 0 when none fits.
constexpr StreamTile choose_tile(const kernels::Conv2DParams& p, const StreamShape& shape, int rows,
                                 int64_t entries) {
  StreamTile best;
  int64_t least = 0;
  for (const StreamBlock& block : kStreamBlocks) {
    for (int columns = 1; columns <= shape.lanes; columns *= 2) {
      for (int strips = 0; strips < 2; ++strips) {
        const StreamTile tile = make_tile(p, shape, rows, block, columns, strips == 1);
        if (tile.lanes == 0) continue;
        const int64_t cost = tile_cost(p, tile, rows, entries);
        if (best.lanes != 0 && cost >= least) continue;
        best = tile;
        least = cost;
      }
    }
  }
  return best;
}

}  // namespace coppice::sparse
