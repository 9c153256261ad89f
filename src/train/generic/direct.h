#pragma once

#include <utility>

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

// Convolutions straight on the padded sample, without a copy of its patches. Register tiles of
// kTilePixels x kTileVectors accumulators hide the latency of the multiply-adds (at least 8 in
// flight) and need less than one load each.
inline constexpr int kTileVectors = 2;
inline constexpr int kTilePixels = Wide::kWidth >= 16 ? 8 : 6;  // Of 32 and of 16 registers.

/// The first floats of the windows of consecutive output pixels. Past the last pixel it stands
/// still: such results are not stored.
class WindowWalk {
 public:
  WindowWalk(const PatchGrid& grid, const float* x, int rows)
      : grid_(grid), row_(x), window_(x), rows_(rows) {}

  const float* next() {
    const float* here = window_;
    if (++column_ < grid_.out_w) {
      window_ += grid_.pixel_step;
    } else if (++at_row_ < rows_) {
      column_ = 0;
      row_ += grid_.row_step;
      window_ = row_;
    }
    return here;
  }

 private:
  const PatchGrid& grid_;
  const float* row_;
  const float* window_;
  int rows_, column_ = 0, at_row_ = 0;
};

/// Calls body(0) ... body(kCount - 1) with compile-time indices: an array indexed by them lives in
/// registers.
template <int kCount, class Body>
inline __attribute__((always_inline)) void unrolled(Body body) {
  [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, kIndex>{}), ...);
  }
  (std::make_integer_sequence<int, kCount>{});
}

/// Stores the first `count` floats.
inline void store_part(const Wide& v, float* to, int count) {
  float values[Wide::kWidth];
  v.store(values);
  for (int i = 0; i < count && i < Wide::kWidth; ++i) to[i] = values[i];
}
inline Wide load_part(const float* from, int count) {
  float values[Wide::kWidth] = {};
  for (int i = 0; i < count && i < Wide::kWidth; ++i) values[i] = from[i];
  return Wide::load(values);
}

/// Stores or adds as many floats of a vector as there are.
inline void put(const Wide& sum, float* to, int count, bool accumulate) {
  if (count >= Wide::kWidth) {
    (accumulate ? Wide::load(to).plus(sum) : sum).store(to);
  } else if (count > 0) {
    store_part(accumulate ? load_part(to, count).plus(sum) : sum, to, count);
  }
}

// kVectors vectors of outputs of kTilePixels pixels: all runs of all windows times the weights.
template <int kVectors>
inline __attribute__((always_inline)) void direct_tile(const PatchGrid& grid,
                                                       const float* const windows[kTilePixels],
                                                       const float* weight, int64_t weight_row,
                                                       Wide (&sums)[kTilePixels][kVectors]) {
  for (int r = 0; r < grid.run_count; ++r) {
    const float* from[kTilePixels];
    unrolled<kTilePixels>([&](auto p) { from[p] = windows[p] + grid.runs[r]; });
    for (int i = 0; i < grid.run; ++i, weight += weight_row) {
      Wide factor[kVectors];
      unrolled<kVectors>([&](auto v) { factor[v] = Wide::load(weight + v * Wide::kWidth); });
      unrolled<kTilePixels>([&](auto p) {
        const Wide value = Wide::all(from[p][i]);
        unrolled<kVectors>([&](auto v) { sums[p][v] = sums[p][v].plus_product(value, factor[v]); });
      });
    }
  }
}

// All pixels for the outputs [first, first + kVectors vectors), of which `used` exist.
template <int kVectors>
inline void direct_outputs(const PatchGrid& grid, const float* x, int rows, const float* weight,
                           int64_t weight_row, int outputs, int used, float* y, bool accumulate) {
  const int pixels = rows * grid.out_w;
  WindowWalk walk(grid, x, rows);
  for (int begin = 0; begin < pixels; begin += kTilePixels) {
    const float* windows[kTilePixels];
    for (auto& window : windows) window = walk.next();
    Wide sums[kTilePixels][kVectors];
    unrolled<kTilePixels>(
        [&](auto p) { unrolled<kVectors>([&](auto v) { sums[p][v] = Wide::zero(); }); });
    direct_tile<kVectors>(grid, windows, weight, weight_row, sums);
    const int valid = pixels - begin < kTilePixels ? pixels - begin : kTilePixels;
    unrolled<kTilePixels>([&](auto p) {
      if (p >= valid) return;
      unrolled<kVectors>([&](auto v) {
        float* to = y + (begin + p) * static_cast<int64_t>(outputs) + v * Wide::kWidth;
        put(sums[p][v], to, used - v * Wide::kWidth, accumulate);
      });
    });
  }
}

inline void direct(const PatchGrid& grid, const float* x, int rows, const float* weight,
                   int64_t weight_row, int outputs, float* y, bool accumulate) {
  constexpr int kBlock = kTileVectors * Wide::kWidth;
  int first = 0;
  for (; first < outputs; first += kBlock) {
    const int used = outputs - first;
    if (used > Wide::kWidth) {
      direct_outputs<kTileVectors>(grid, x, rows, weight + first, weight_row, outputs, used,
                                   y + first, accumulate);
    } else {
      direct_outputs<1>(grid, x, rows, weight + first, weight_row, outputs, used, y + first,
                        accumulate);
    }
  }
}

/// Outputs whose weight gradients are summed side by side.
inline constexpr int kTileOutputs = Wide::kWidth >= 16 ? 8 : 4;

// dweight[o][k .. k + kVectors vectors] for kOutputs outputs: over all pixels dy[o] * x[k ...].
template <int kOutputs, int kVectors>
inline void direct_weight_tile(const PatchGrid& grid, const float* x, int rows, const float* dy,
                               int outputs, float* dweight, int64_t depth, int used) {
  Wide sums[kOutputs][kVectors];
  unrolled<kOutputs>(
      [&](auto o) { unrolled<kVectors>([&](auto v) { sums[o][v] = Wide::zero(); }); });
  for (int h = 0; h < rows; ++h) {
    const float* window = x + h * grid.row_step;
    for (int w = 0; w < grid.out_w; ++w, window += grid.pixel_step, dy += outputs) {
      Wide values[kVectors];
      unrolled<kVectors>([&](auto v) { values[v] = Wide::load(window + v * Wide::kWidth); });
      unrolled<kOutputs>([&](auto o) {
        const Wide gradient = Wide::all(dy[o]);
        unrolled<kVectors>(
            [&](auto v) { sums[o][v] = sums[o][v].plus_product(gradient, values[v]); });
      });
    }
  }
  unrolled<kOutputs>([&](auto o) {
    unrolled<kVectors>([&](auto v) {
      put(sums[o][v], dweight + o * depth + v * Wide::kWidth, used - v * Wide::kWidth, true);
    });
  });
}

template <int kOutputs>
inline void direct_weight_outputs(const PatchGrid& grid, const float* x, int rows, const float* dy,
                                  int outputs, float* dweight, int64_t depth) {
  constexpr int kBlock = kTileVectors * Wide::kWidth;
  for (int r = 0; r < grid.run_count; ++r, dweight += grid.run) {
    const float* from = x + grid.runs[r];
    for (int i = 0; i < grid.run; i += kBlock) {
      const int used = grid.run - i;
      if (used > Wide::kWidth) {
        direct_weight_tile<kOutputs, kTileVectors>(grid, from + i, rows, dy, outputs, dweight + i,
                                                   depth, used);
      } else {
        direct_weight_tile<kOutputs, 1>(grid, from + i, rows, dy, outputs, dweight + i, depth,
                                        used);
      }
    }
  }
}

inline void direct_weight(const PatchGrid& grid, const float* x, int rows, const float* dy,
                          int outputs, float* dweight) {
  const int64_t depth = static_cast<int64_t>(grid.run_count) * grid.run;
  int o = 0;
  for (; o + kTileOutputs <= outputs; o += kTileOutputs) {
    direct_weight_outputs<kTileOutputs>(grid, x, rows, dy + o, outputs, dweight + o * depth, depth);
  }
  for (; o < outputs; ++o) {
    direct_weight_outputs<1>(grid, x, rows, dy + o, outputs, dweight + o * depth, depth);
  }
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
