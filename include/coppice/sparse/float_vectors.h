#pragma once

#include <cstring>

#include "coppice/kernels/requantize.h"
#include "coppice/sparse/permute.h"
#include "coppice/sparse/storage.h"

namespace coppice::sparse {

/// Float weights as vectors of 16 output channels of one input, those that are all zero left out:
/// what a dense kernel with channels in its lanes reads, without the steps that add nothing.
/// Columns of a filter lie in runs of contiguous inputs (runs_of); an entry is its place in the run
/// and 16 weights, 66 bytes. Entries lie tap by tap, so that a kernel can leave taps out. Blocks of
/// 16 begin anew in each group.
struct FloatVectors {
  using Value = float;
  static constexpr int kRows = 16;
  struct alignas(64) Head {
    kernels::ClampFloat clamp;
    uint32_t entries;
  };

  int rows = 0, taps = 1, depth = 1, group_rows = 1;
  Runs runs;
  const Head* head = nullptr;
  const float* bias = nullptr;       ///< [blocks, 16]
  const float* value = nullptr;      ///< [entries, 16]
  const uint32_t* begin = nullptr;   ///< [blocks * taps + 1] Of each tap's entries, and the end.
  const uint16_t* offset = nullptr;  ///< [entries] Place in the run.

  [[gnu::always_inline]] constexpr int blocks_of_group() const {
    return (group_rows + kRows - 1) / kRows;
  }
  /// Place of a tap's first input in its run.
  [[gnu::always_inline]] int first_of(int tap) const { return tap * depth % runs.length; }

  static bool accepts(const kernels::Conv2DParams& p) { return runs_of(p).length <= kMaxColumns; }
  static size_t bytes(const kernels::Conv2DParams& p, const float* w) {
    Carver carver;
    layout(p, w, carver);
    return carver.used();
  }
  static FloatVectors pack(const kernels::Conv2DParams& p, const kernels::ClampFloat& to,
                           const float* w, const float* bias, void* memory) {
    Carver carver(memory);
    const Parts parts = layout(p, w, carver);
    const FloatVectors shape = shape_of(p);
    const int blocks = p.groups * shape.blocks_of_group();
    uint32_t entries = 0;
    parts.begin[0] = 0;
    for (int block = 0; block < blocks; ++block) {
      for (int lane = 0; lane < kRows; ++lane) {
        const int row = shape.row_at(block, lane);
        parts.bias[block * kRows + lane] = bias != nullptr && row >= 0 ? bias[row] : 0.0f;
      }
      for (int tap = 0; tap < shape.taps; ++tap) {
        for (int i = 0; i < shape.depth; ++i) {
          float values[kRows];
          if (!shape.gather(w, block, tap * shape.depth + i, values)) continue;
          parts.offset[entries] = static_cast<uint16_t>(shape.first_of(tap) + i);
          std::memcpy(parts.value + size_t{entries++} * kRows, values, sizeof(values));
        }
        parts.begin[block * shape.taps + tap + 1] = entries;
      }
    }
    *parts.head = {to, entries};
    return view(p, memory);
  }

  /// The weights that pack() left in this memory. (Always inlined: kernels of many instruction sets
  /// call it.)
  [[gnu::always_inline]] static FloatVectors view(const kernels::Conv2DParams& p,
                                                  const void* memory) {
    FloatVectors v = shape_of(p);
    const int blocks = p.groups * v.blocks_of_group();
    v.head = static_cast<const Head*>(memory);
    v.bias = reinterpret_cast<const float*>(v.head + 1);
    v.value = v.bias + blocks * kRows;
    v.begin = reinterpret_cast<const uint32_t*>(v.value + size_t{v.head->entries} * kRows);
    v.offset = reinterpret_cast<const uint16_t*>(v.begin + blocks * v.taps + 1);
    return v;
  }

  template <class Visit>
  void for_each(int row, Visit&& visit) const {
    const int in_group = row % group_rows, lane = in_group % kRows;
    const int block = row / group_rows * blocks_of_group() + in_group / kRows;
    for (int tap = 0; tap < taps; ++tap) {
      const uint32_t* entries = begin + block * taps + tap;
      for (uint32_t e = entries[0]; e < entries[1]; ++e) {
        visit(tap, offset[e] - first_of(tap), value[size_t{e} * kRows + static_cast<size_t>(lane)]);
      }
    }
  }

 private:
  struct Parts {
    Head* head;
    float* bias;
    float* value;
    uint32_t* begin;
    uint16_t* offset;
  };

  [[gnu::always_inline]] static FloatVectors shape_of(const kernels::Conv2DParams& p) {
    FloatVectors v;
    v.rows = p.out_channels;
    v.taps = p.window.kernel_h * p.window.kernel_w;
    v.depth = p.in_channels / p.groups;
    v.group_rows = p.out_channels / p.groups;
    const bool whole_rows = p.window.dilation_w == 1 && p.groups == 1;
    v.runs.count = whole_rows ? p.window.kernel_h : v.taps;
    v.runs.length = whole_rows ? p.window.kernel_w * p.in_channels : v.depth;
    return v;
  }
  /// The output channel of a block's lane; -1: none.
  int row_at(int block, int lane) const {
    const int in_group = block % blocks_of_group() * kRows + lane;
    return in_group < group_rows ? block / blocks_of_group() * group_rows + in_group : -1;
  }
  /// The block's weights of a column; whether any is not zero.
  bool gather(const float* w, int block, int column, float (&values)[kRows]) const {
    bool any = false;
    for (int lane = 0; lane < kRows; ++lane) {
      const int row = row_at(block, lane);
      values[lane] = row < 0 ? 0.0f : w[ptrdiff_t{row} * taps * depth + column];
      any |= values[lane] != 0.0f;
    }
    return any;
  }
  static Parts layout(const kernels::Conv2DParams& p, const float* w, Carver& carver) {
    const FloatVectors shape = shape_of(p);
    const auto blocks = static_cast<size_t>(p.groups * shape.blocks_of_group());
    size_t entries = 0;
    float values[kRows];
    for (size_t block = 0; block < blocks; ++block) {
      for (int k = 0; k < shape.taps * shape.depth; ++k) {
        entries += shape.gather(w, static_cast<int>(block), k, values);
      }
    }
    Parts parts;
    parts.head = carver.take<Head>(1);
    parts.bias = carver.take<float>(blocks * kRows);
    parts.value = carver.take<float>(entries * kRows);
    parts.begin = carver.take<uint32_t>(blocks * static_cast<size_t>(shape.taps) + 1);
    parts.offset = carver.take<uint16_t>(entries);
    return parts;
  }
};

}  // namespace coppice::sparse
