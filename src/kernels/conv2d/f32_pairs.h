#pragma once

#include "coppice/kernels/conv2d/dense.h"
#include "kernels/simd/f32_packed.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/tile_grid.h"

namespace coppice::kernels {

/// Convolution with at most half a vector of output channels: a pair of lanes is one channel, for
/// two neighbouring terms of its sum, and a pair of values is broadcast at once. No lane is idle,
/// and each step does the work of two. Pixels of x must follow each other without a gap.
template <class V>
struct Conv2DPairsF32 {
  using Vector = typename V::Vector;
  static constexpr int kLanes = V::kLanes;
  static constexpr int kMostPixels = 10;  // Pointers to them fill the general registers.

  /// Runs of contiguous values of a window.
  struct Runs {
    int rows, segments, length;
    COPPICE_INLINE explicit Runs(const Conv2DParams& p)
        : rows(p.window.kernel_h),
          segments(p.window.dilation_w == 1 ? 1 : p.window.kernel_w),
          length(p.in_channels * (p.window.dilation_w == 1 ? p.window.kernel_w : 1)) {}
    /// Vectors of weights.
    COPPICE_INLINE int steps() const { return rows * segments * ((length + 1) / 2); }
  };

  static bool accepts(const Conv2DParams& p) {
    return p.groups == 1 && 2 * p.out_channels <= kLanes && Runs(p).length > 1;
  }
  static size_t packed_bytes(const Conv2DParams& p) {
    return simd::packed_bytes(1, 1 + Runs(p).steps(), kLanes);
  }
  static bool pack(const Conv2DParams& p, const ClampFloat& clamp, const float* weights,
                   const float* bias, void* packed) {
    float* to = simd::begin_packed(clamp, packed);
    const Runs runs(p);
    const int terms = runs.rows * runs.segments * runs.length;
    for (int lane = 0; lane < kLanes; ++lane) {
      const int o = lane / 2;
      *to++ = bias != nullptr && o < p.out_channels && lane % 2 == 0 ? bias[o] : 0.0f;
    }
    for (int first = 0; first < terms; first += runs.length) {
      for (int k = 0; k < runs.length; k += 2) {
        for (int lane = 0; lane < kLanes; ++lane) {
          const int o = lane / 2, at = k + lane % 2;
          *to++ = o < p.out_channels && at < runs.length ? weights[o * terms + first + at] : 0.0f;
        }
      }
    }
    return true;
  }

  using Grid = simd::TileGrid<float, kMostPixels>;
  struct Job {
    Runs runs;
    ptrdiff_t row_step, segment_step;
    const float* bias;
    const float* weights;
    simd::PackedClamp clamp;
    int channels;
  };

  template <int kPixels>
  static COPPICE_INLINE void accumulate_runs(const Job& job, const float* x,
                                             const ptrdiff_t* x_pixel, Vector (&sum)[kPixels]) {
    const float* weights = job.weights;
    for (int row = 0; row < job.runs.rows; ++row) {
      for (int segment = 0; segment < job.runs.segments; ++segment) {
        const float* run = x + row * job.row_step + segment * job.segment_step;
        const float* from[kPixels];
        simd::places_in_run(run, x_pixel, from);
        const auto add = [&](ptrdiff_t at, auto&& broadcast) COPPICE_LAMBDA {
          const Vector weight = V::load(weights);
          weights += kLanes;
          simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
            sum[p] = V::multiply_add(broadcast(from[p] + at), weight, sum[p]);
          });
        };
        ptrdiff_t at = 0;
        int left = job.runs.length;
        for (; left >= 2; left -= 2, at += 2) add(at, V::all_pairs);
        // What follows the run is not read: it might be no number.
        if (left != 0) add(at, V::all_first);
      }
    }
  }

  template <int kPixels>
  static void tiles(const Job& job, const Grid& grid) {
    const int channels = job.channels;
    grid.for_each_tile([&](const float* x, float* y) COPPICE_LAMBDA {
      Vector sum[kPixels];
      simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA { sum[p] = V::load(job.bias); });
      accumulate_runs(job, x, grid.x_pixel, sum);
      const Vector low = V::all(job.clamp.min), high = V::all(job.clamp.max);
      simd::unroll<(kPixels + 1) / 2>([&](auto pair) COPPICE_LAMBDA {
        constexpr int first = 2 * pair, second = first + 1 < kPixels ? first + 1 : first;
        const Vector joined = V::join_pairs(sum[first], sum[second]);
        const Vector result = V::min(V::max(joined, low), high);
        V::store_lower(y + grid.y_pixel[first], result, channels);
        if constexpr (second != first) V::store_upper(y + grid.y_pixel[second], result, channels);
      });
    });
  }

  struct Table {
    void (*tiles[kMostPixels])(const Job&, const Grid&) = {};
    constexpr Table() {
      simd::unroll<kMostPixels>([&](auto p)
                                    COPPICE_LAMBDA { tiles[p] = &Conv2DPairsF32::tiles<p + 1>; });
    }
  };

  static void run(const Conv2DParams& p, const void* packed, const Image<const float>& in,
                  const Image<float>& out, RowRange rows) {
    static constexpr Table kTable{};
    const Window2D& w = p.window;
    const float* bias = simd::packed_weights(packed);
    Job job{Runs(p),
            w.dilation_h * in.row_step,
            w.dilation_w * in.pixel_step,
            bias,
            nullptr,
            simd::packed_clamp(packed),
            p.out_channels};
    const int steps = job.runs.steps() / w.kernel_h;
    simd::for_each_tap_rectangle(w, rows, true, false, [&](const simd::TapRectangle& r) {
      job.runs.rows = r.rows.taps();
      job.weights = bias + (1 + r.rows.first * steps) * kLanes;
      simd::for_each_tile_grid<float, kMostPixels>(
          w, r, in, out, kMostPixels,
          [&](const Grid& grid, int pixels) { kTable.tiles[pixels - 1](job, grid); });
    });
  }

  static constexpr Conv2DKernelF32 kernel(const char* name, Isa isa) {
    return {name, isa, accepts, packed_bytes, pack, run};
  }
};

}  // namespace coppice::kernels
