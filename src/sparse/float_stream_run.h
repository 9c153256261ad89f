#pragma once

#include "coppice/sparse/float_stream.h"
#include "coppice/sparse/kernel.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/window_walk.h"

namespace coppice::sparse {

/// The convolution of a FloatStream for the vectors V.
template <class V, int kRows>
class FloatStreamRun {
  using Vector = typename V::Vector;
  using Stream = FloatStream<kRows>;
  static constexpr int kLanes = V::kLanes;

 public:
  static void run(const kernels::Conv2DParams& p, const void* packed,
                  const kernels::Image<const float>& x, const kernels::Image<float>& y,
                  kernels::RowRange rows) {
    FloatStreamRun(p, packed, x, y, rows).all_tiles();
  }

 private:
  FloatStreamRun(const kernels::Conv2DParams& p, const void* packed,
                 const kernels::Image<const float>& x, const kernels::Image<float>& y,
                 kernels::RowRange rows)
      : p_(p),
        window_(p.window),
        stream_(Stream::view(p, packed)),
        tile_(stream_.header->tile),
        x_(x),
        y_(y),
        rows_(rows),
        walk_(p.window, x, y, rows.begin),
        left_((rows.end - rows.begin) * p.window.out_w) {}

  void all_tiles() {
    if (tile_.linear) {
      for (; left_ > 0;) {
        walk_pixels();
        one_tile();
      }
      return;
    }
    const int step_y = kLanes / tile_.lane_columns * tile_.block.h;
    const int step_x = tile_.lane_columns * tile_.block.w;
    for (origin_y_ = rows_.begin; origin_y_ < rows_.end; origin_y_ += step_y) {
      for (origin_x_ = 0; origin_x_ < window_.out_w; origin_x_ += step_x) one_tile();
    }
  }

  void one_tile() {
    alignas(64) float tile[stream_tile_floats(kRows)];
    alignas(64) float sums[kStreamSumBytes / sizeof(float)];
    const Accumulate add_rows = accumulator();
    const int row_floats = tile_.x.slots * tile_.slot_floats();
    const int pitch = tile_.strips ? row_floats * (kLanes / tile_.lane_columns) : row_floats;
    Work work{tile,         sums,        pitch,          row_floats,
              stream_.bias, stream_.row, stream_.offset, stream_.value};
    for (int chunk = 0; chunk < tile_.chunks; ++chunk) {
      copy_in(chunk, tile);
      add_rows(work, stream_.row + stream_.chunk_end[chunk]);
    }
    copy_out(sums);
  }

  // The pixels of a linear tile, vector by vector. Lanes beyond the last stand still.
  void walk_pixels() {
    for (int vector = 0; vector < tile_.vectors(); ++vector) {
      const int count = left_ < kLanes ? left_ : kLanes;
      const float** from = linear_from_[vector];
      float** to = linear_to_[vector];
      if (count > 0) walk_.take(count, from, to);
      for (int lane = count; lane < kLanes; ++lane) {
        from[lane] = lane > 0 ? from[lane - 1] : linear_from_[0][0];
        to[lane] = nullptr;
      }
      left_ -= count;
    }
  }

  // What a vector of the tile holds: the channels of an input pixel for each lane. Lanes beyond the
  // image stand at its last pixel; their results are not stored.
  COPPICE_INLINE void slot_sources(int slot, const float* (&from)[kLanes]) const {
    if (tile_.linear) {
      for (int lane = 0; lane < kLanes; ++lane) from[lane] = linear_from_[slot][lane];
      return;
    }
    if (tile_.strips) return strip_sources(slot, from);
    const int last_y =
        (rows_.end - 1) * window_.stride_h + (window_.kernel_h - 1) * window_.dilation_h;
    const int last_x =
        (window_.out_w - 1) * window_.stride_w + (window_.kernel_w - 1) * window_.dilation_w;
    ptrdiff_t column[kLanes];
    int x = origin_x_ * window_.stride_w + tile_.x.coordinate[slot % tile_.x.slots];
    for (int c = 0; c < tile_.lane_columns; ++c, x += tile_.block.w * window_.stride_w) {
      column[c] = ((x < last_x ? x : last_x) - window_.pad_left) * x_.pixel_step;
    }
    int y = origin_y_ * window_.stride_h + tile_.y.coordinate[slot / tile_.x.slots];
    for (int lane = 0; lane < kLanes; y += tile_.block.h * window_.stride_h) {
      const float* row = x_.pixel((y < last_y ? y : last_y) - window_.pad_top, 0);
      for (int c = 0; c < tile_.lane_columns; ++c) from[lane++] = row + column[c];
    }
  }

  // The pixels of a strip's input, row by row.
  COPPICE_INLINE void strip_sources(int vector, const float* (&from)[kLanes]) const {
    const int last_y = rows_.end - 1 + (window_.kernel_h - 1) * window_.dilation_h;
    const int last_x = window_.out_w - 1 + (window_.kernel_w - 1) * window_.dilation_w;
    int y = origin_y_ + vector * kLanes / tile_.x.slots, x = vector * kLanes % tile_.x.slots;
    for (int lane = 0; lane < kLanes; ++lane) {
      const int column = origin_x_ + x;
      from[lane] = x_.pixel((y < last_y ? y : last_y) - window_.pad_top,
                            (column < last_x ? column : last_x) - window_.pad_left);
      if (++x == tile_.x.slots) x = 0, ++y;
    }
  }

  // Where pixel (y, x) of each lane's block goes; null beyond the image.
  COPPICE_INLINE void targets(int vector, int y, int x, float* (&to)[kLanes]) const {
    if (tile_.linear) {
      for (int lane = 0; lane < kLanes; ++lane) to[lane] = linear_to_[vector][lane];
      return;
    }
    const int rows = kLanes / tile_.lane_columns;
    int oy = origin_y_ + (tile_.strips ? y * rows : y);
    for (int lane = 0; lane < kLanes; oy += tile_.strips ? 1 : tile_.block.h) {
      int ox = origin_x_ + x;
      for (int c = 0; c < tile_.lane_columns; ++c, ox += tile_.block.w) {
        to[lane++] = oy < rows_.end && ox < window_.out_w ? y_.pixel(oy, ox) : nullptr;
      }
    }
  }

  void copy_in(int chunk, float* tile) const {
    const int begin = chunk * tile_.chunk_channels, left = p_.in_channels - begin;
    const int channels = left < tile_.chunk_channels ? left : tile_.chunk_channels;
    const ptrdiff_t step = tile_.channel_floats();
    for (int slot = 0; slot < step / kLanes; ++slot) {
      const float* from[kLanes];
      slot_sources(slot, from);
      for (int c = 0; c < channels; c += kLanes) {
        Vector rows[kLanes];
        kernels::simd::unroll<kLanes>(
            [&](auto lane) COPPICE_LAMBDA { rows[lane] = V::load(from[lane] + begin + c); });
        V::transpose(rows);
        float* to = tile + slot * kLanes + c * step;
        kernels::simd::unroll<kLanes>([&](auto i) COPPICE_LAMBDA {
          if (c + i < channels) V::store(to + i * step, rows[i]);
        });
      }
    }
  }

  void copy_out(const float* sums) const {
    int vector = 0;
    for (int y = 0; y < tile_.block.h; ++y) {
      for (int x = 0; x < tile_.block.w; ++x, ++vector) {
        float* to[kLanes];
        targets(vector, y, x, to);
        store_vector(sums + vector * kLanes, to);
      }
    }
  }

  // One vector of pixels, all channels.
  COPPICE_INLINE void store_vector(const float* sums, float* const (&to)[kLanes]) const {
    const Vector low = V::all(stream_.header->min), high = V::all(stream_.header->max);
    const ptrdiff_t step = ptrdiff_t{tile_.vectors()} * kLanes;
    for (int o = 0; o < p_.out_channels; o += kLanes) {
      const int left = p_.out_channels - o;
      Vector rows[kLanes];
      kernels::simd::unroll<kLanes>([&](auto i) COPPICE_LAMBDA {
        rows[i] = V::min(V::max(V::load(sums + (i < left ? o + i : o) * step), low), high);
      });
      V::transpose(rows);
      kernels::simd::unroll<kLanes>([&](auto lane) COPPICE_LAMBDA {
        if (to[lane] == nullptr) return;
        if (left >= kLanes) {
          V::store(to[lane] + o, rows[lane]);
        } else {
          V::store_part(to[lane] + o, rows[lane], left);
        }
      });
    }
  }

  struct Work {
    const float* tile;
    float* sums;
    ptrdiff_t pitch;  ///< Floats from a register's operand to that of the one below.
    ptrdiff_t row;    ///< Floats from a row of slots to the next.
    const float* bias;
    // Of the stream; they advance.
    const StreamRow* rows;
    const uint16_t* offset;
    const float* value;
  };
  using Accumulate = void (*)(Work& work, const StreamRow* end);

  template <int kHeight, int kWidth, bool kPairs>
  struct Sums {
    static constexpr int kVectors = kHeight * kWidth;
    // Fewer sums than hide the multiply-add's latency: every other entry has sums of its own.
    static constexpr int kParts = kRows * kVectors < 8 ? 2 : 1;
    Vector sum[kParts][kRows][kVectors];

    COPPICE_INLINE void begin(const float* from, bool at_bias) {
      kernels::simd::unroll<kRows>([&](auto r) COPPICE_LAMBDA {
        kernels::simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
          sum[0][r][v] = at_bias ? V::all(from[r]) : V::load(from + (r * kVectors + v) * kLanes);
          if constexpr (kParts == 2) sum[1][r][v] = V::zero();
        });
      });
    }
    template <int kPart>
    COPPICE_INLINE void add(const float* const (&slot_row)[kHeight], ptrdiff_t row, size_t offset,
                            const Vector (&weight)[kRows]) {
      kernels::simd::unroll<kHeight>([&](auto h) COPPICE_LAMBDA {
        const float* from = slot_row[h] + offset;
        kernels::simd::unroll<kWidth>([&](auto w) COPPICE_LAMBDA {
          const Vector x = load<kPairs>(from + w * kLanes, row);
          constexpr int v = h * kWidth + w;
          kernels::simd::unroll<kRows>([&](auto r) COPPICE_LAMBDA {
            sum[kPart][r][v] = V::multiply_add(x, weight[r], sum[kPart][r][v]);
          });
        });
      });
    }
    COPPICE_INLINE void end(float* to) const {
      kernels::simd::unroll<kRows>([&](auto r) COPPICE_LAMBDA {
        kernels::simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
          Vector total = sum[0][r][v];
          if constexpr (kParts == 2) total = V::add(total, sum[1][r][v]);
          V::store(to + (r * kVectors + v) * kLanes, total);
        });
      });
    }
  };

  template <bool kPairs>
  static COPPICE_INLINE Vector load(const float* from, [[maybe_unused]] ptrdiff_t row) {
    if constexpr (kPairs) {
      return V::load_halves(from, from + row);
    } else {
      return V::load(from);
    }
  }
  static COPPICE_INLINE void broadcast(const float* from, Vector (&weight)[kRows]) {
    kernels::simd::unroll<kRows>([&](auto r) COPPICE_LAMBDA { weight[r] = V::all(from[r]); });
  }

  template <int kHeight, int kWidth, bool kPairs>
  static void accumulate(Work& work, const StreamRow* end) {
    const float* slot_row[kHeight];
    kernels::simd::unroll<kHeight>(
        [&](auto h) COPPICE_LAMBDA { slot_row[h] = work.tile + h * work.pitch; });
    const uint16_t* offset = work.offset;
    const float* value = work.value;
    for (const StreamRow* row = work.rows; row < end; ++row) {
      float* at = work.sums + row->block * (kRows * kHeight * kWidth * kLanes);
      Sums<kHeight, kWidth, kPairs> sums;
      if (row->first != 0) {
        sums.begin(work.bias + row->block * kRows, true);
      } else {
        sums.begin(at, false);
      }
      constexpr int kParts = Sums<kHeight, kWidth, kPairs>::kParts;
      uint32_t left = row->count;
      // A broadcast from memory takes as long as any load, and loads are as many as products: four
      // weights of single rows come with one.
      constexpr int kStep = kRows == 1 ? 4 : 2;
      for (; left >= kStep; left -= kStep, offset += kStep, value += kStep * kRows) {
        [[maybe_unused]] const Vector quad = V::load_quad(value);
        kernels::simd::unroll<kStep>([&](auto i) COPPICE_LAMBDA {
          Vector weight[kRows];
          if constexpr (kRows == 1) {
            weight[0] = V::template splat<i>(quad);
          } else {
            broadcast(value + i * kRows, weight);
          }
          sums.template add<i % kParts>(slot_row, work.row, offset[i], weight);
        });
      }
      for (; left > 0; --left, value += kRows) {
        Vector weight[kRows];
        broadcast(value, weight);
        sums.template add<0>(slot_row, work.row, *offset++, weight);
      }
      sums.end(at);
    }
    work.rows = end;
    work.offset = offset;
    work.value = value;
  }

  static constexpr int kBlocks = static_cast<int>(sizeof(kStreamBlocks) / sizeof(StreamBlock));
  struct Table {
    Accumulate accumulate[2][kBlocks] = {};  ///< Strips of pairs are the second.
    constexpr Table() {
      kernels::simd::unroll<kBlocks>([&](auto i) {
        constexpr StreamBlock block = kStreamBlocks[i];
        if constexpr (block_fits(block, kRows, V::kRegisters)) {
          accumulate[0][i] = &FloatStreamRun::accumulate<block.h, block.w, false>;
          if constexpr (kRows > 1 && kLanes == 16 && block.w == 1) {
            accumulate[1][i] = &FloatStreamRun::accumulate<block.h, block.w, true>;
          }
        }
      });
    }
  };
  Accumulate accumulator() const {
    static constexpr Table kTable{};
    int i = 0;
    while (kStreamBlocks[i].h != tile_.block.h || kStreamBlocks[i].w != tile_.block.w) ++i;
    return kTable.accumulate[tile_.strips && tile_.lane_columns < kLanes][i];
  }

  const kernels::Conv2DParams& p_;
  const kernels::Window2D& window_;
  const Stream stream_;
  const StreamTile& tile_;
  const kernels::Image<const float>& x_;
  const kernels::Image<float>& y_;
  const kernels::RowRange rows_;
  int origin_y_ = 0, origin_x_ = 0;  ///< Of the tile in the output.

  // Of linear tiles.
  static constexpr int kMostLinear = 8;
  kernels::simd::WindowWalk<V, float> walk_;
  int left_;  ///< Pixels that no tile has taken yet.
  const float* linear_from_[kMostLinear][kLanes];
  float* linear_to_[kMostLinear][kLanes];
};

}  // namespace coppice::sparse
