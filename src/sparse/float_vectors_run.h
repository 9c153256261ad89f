#pragma once

#include "coppice/sparse/float_vectors.h"
#include "coppice/sparse/kernel.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/tap_spans.h"
#include "kernels/simd/tiles.h"
#include "kernels/simd/window_walk.h"

namespace coppice::sparse {

/// The convolution of FloatVectors for the vectors V: tiles of pixels times 16 output channels, as
/// the dense kernel, over the entries alone.
template <class V>
class FloatVectorsRun {
  using Vector = typename V::Vector;
  static constexpr int kLanes = V::kLanes;
  static constexpr int kVectors = FloatVectors::kRows / kLanes;
  // More pointers to pixels than general registers hold cost more than they save: 10 against 14
  // pixels are 1.2 times as fast.
  static constexpr int kMostPixels = kVectors == 1 ? 10 : 6;

 public:
  static void run(const kernels::Conv2DParams& p, const void* packed,
                  const kernels::Image<const float>& x, const kernels::Image<float>& y,
                  kernels::RowRange rows) {
    static constexpr Table kTable{};
    const FloatVectors weights = FloatVectors::view(p, packed);
    const int blocks = p.groups * weights.blocks_of_group();
    kernels::simd::for_each_tap_rectangle(
        p.window, rows, true, true, [&](const kernels::simd::TapRectangle& r) {
          // The rectangle as a layer of its own.
          kernels::Window2D w = p.window;
          w.out_w = r.columns.outputs();
          const kernels::Image<const float> in{x.pixel(0, r.columns.begin * w.stride_w), x.row_step,
                                               x.pixel_step};
          const kernels::Image<float> out{y.pixel(0, r.columns.begin), y.row_step, y.pixel_step};
          kernels::simd::WindowWalk<V, float> walk(w, in, out, r.rows.begin);
          const Taps taps(w, weights, r, x);
          kernels::simd::for_each_tile<V>(r.outputs(), kMostPixels, [&](int pixels) {
            const float* from[kMostPixels];
            float* to[kMostPixels];
            walk.take(pixels, from, to);
            const auto tile = kTable.tiles[pixels - 1];
            for (int block = 0; block < blocks; ++block) tile(weights, block, taps, from, to);
          });
        });
  }

 private:
  /// Those that a rectangle sees: rows of runs, of so many taps each.
  struct Taps {
    int first, rows, runs, taps_of_run, kernel_w;
    ptrdiff_t base, row_step, run_step;

    Taps(const kernels::Window2D& w, const FloatVectors& weights,
         const kernels::simd::TapRectangle& r, const kernels::Image<const float>& x)
        : first(r.rows.first * w.kernel_w + r.columns.first),
          rows(r.rows.taps()),
          runs(r.columns.taps()),
          taps_of_run(1),
          kernel_w(w.kernel_w),
          base(r.rows.first * w.dilation_h * x.row_step),
          row_step(w.dilation_h * x.row_step),
          run_step(w.dilation_w * x.pixel_step) {
      if (weights.runs.count == weights.taps) {
        base += r.columns.first * run_step;
      } else {  // Places count from the first tap of a row, seen or not.
        taps_of_run = runs;
        runs = 1;
      }
    }
  };

  template <int kPixels>
  struct Sums {
    // Few sums: consecutive entries go to sums of their own, to hide the multiply-add's latency.
    static constexpr int kParts = kPixels * kVectors >= 8 ? 1 : 8 / (kPixels * kVectors);
    Vector sum[kParts][kPixels][kVectors];

    COPPICE_INLINE explicit Sums(const float* bias) {
      each([&](auto part, auto p, auto v) COPPICE_LAMBDA {
        sum[part][p][v] = part == 0 ? V::load(bias + v * kLanes) : V::zero();
      });
    }
    template <int kPart>
    COPPICE_INLINE void add(const float* const (&from)[kPixels], ptrdiff_t at,
                            const float* weights) {
      Vector weight[kVectors];
      kernels::simd::unroll<kVectors>(
          [&](auto v) COPPICE_LAMBDA { weight[v] = V::load(weights + v * kLanes); });
      kernels::simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
        const Vector x = V::all(from[p][at]);
        kernels::simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
          sum[kPart][p][v] = V::multiply_add(x, weight[v], sum[kPart][p][v]);
        });
      });
    }
    COPPICE_INLINE void merge_parts() {
      each([&](auto part, auto p, auto v) COPPICE_LAMBDA {
        if constexpr (part > 0) sum[0][p][v] = V::add(sum[0][p][v], sum[part][p][v]);
      });
    }

   private:
    template <class Body>
    static COPPICE_INLINE void each(const Body& body) {
      kernels::simd::unroll<kParts>([&](auto part) COPPICE_LAMBDA {
        kernels::simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
          kernels::simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA { body(part, p, v); });
        });
      });
    }
  };

  template <int kPixels>
  static void tile(const FloatVectors& weights, int block, const Taps& taps,
                   const float* const* windows, float* const* to) {
    constexpr int kRows = FloatVectors::kRows;
    const int group = block / weights.blocks_of_group();
    const int first = block % weights.blocks_of_group() * kRows, used = weights.group_rows - first;
    Sums<kPixels> sums(weights.bias + block * kRows);
    const float* from[kPixels];
    kernels::simd::unroll<kPixels>(
        [&](auto p) COPPICE_LAMBDA { from[p] = windows[p] + group * weights.depth; });
    constexpr uint32_t kStep = Sums<kPixels>::kParts > 1 ? Sums<kPixels>::kParts : 2;
    const uint32_t* begin = weights.begin + block * weights.taps + taps.first;
    ptrdiff_t row_base = taps.base;
    for (int row = taps.rows; row > 0; --row, begin += taps.kernel_w, row_base += taps.row_step) {
      const uint32_t* run_begin = begin;
      ptrdiff_t base = row_base;
      for (int run = taps.runs; run > 0; --run, base += taps.run_step) {
        uint32_t entry = run_begin[0];
        const uint32_t end = *(run_begin += taps.taps_of_run);
        const float* value = weights.value + size_t{entry} * kRows;
        for (; entry + kStep <= end; entry += kStep, value += kStep * kRows) {
          kernels::simd::unroll<static_cast<int>(kStep)>([&](auto i) COPPICE_LAMBDA {
            sums.template add<i % Sums<kPixels>::kParts>(from, base + weights.offset[entry + i],
                                                         value + i * kRows);
          });
        }
        for (; entry < end; ++entry, value += kRows) {
          sums.template add<0>(from, base + weights.offset[entry], value);
        }
      }
    }
    sums.merge_parts();
    const Vector low = V::all(weights.head->clamp.min), high = V::all(weights.head->clamp.max);
    kernels::simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
      float* at = to[p] + group * weights.group_rows + first;
      kernels::simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
        const Vector result = V::min(V::max(sums.sum[0][p][v], low), high);
        const int left = used - v * kLanes;
        if (left >= kLanes) {
          V::store(at + v * kLanes, result);
        } else if (left > 0) {
          V::store_part(at + v * kLanes, result, left);
        }
      });
    });
  }

  struct Table {
    void (*tiles[kMostPixels])(const FloatVectors&, int, const Taps&, const float* const*,
                               float* const*) = {};
    constexpr Table() {
      kernels::simd::unroll<kMostPixels>([&](auto p) { tiles[p] = &tile<p + 1>; });
    }
  };
};

}  // namespace coppice::sparse
