#pragma once

#include "coppice/kernels/conv2d/dense.h"
#include "kernels/simd/f32_packed.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/window_walk.h"

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

  struct Job {
    Runs runs;
    ptrdiff_t row_step, segment_step;
    const void* packed;
    int channels;
  };

  template <int kPixels>
  static void tile(const Job& job, const float* const* windows, float* const* to) {
    const float* weights = simd::packed_weights(job.packed);
    Vector sum[kPixels];
    const float* from[kPixels];
    simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
      from[p] = windows[p];
      sum[p] = V::load(weights);
    });
    weights += kLanes;
    const auto add = [&](ptrdiff_t at, auto&& broadcast) COPPICE_LAMBDA {
      const Vector weight = V::load(weights);
      weights += kLanes;
      simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
        sum[p] = V::multiply_add(broadcast(from[p] + at), weight, sum[p]);
      });
    };
    for (int row = 0; row < job.runs.rows; ++row) {
      for (int segment = 0; segment < job.runs.segments; ++segment) {
        ptrdiff_t at = row * job.row_step + segment * job.segment_step;
        int left = job.runs.length;
        for (; left >= 2; left -= 2, at += 2) add(at, V::all_pairs);
        // What follows the run is not read: it might be no number.
        if (left != 0) add(at, V::all_first);
      }
    }
    const Vector low = V::all(simd::packed_clamp(job.packed).min);
    const Vector high = V::all(simd::packed_clamp(job.packed).max);
    simd::unroll<(kPixels + 1) / 2>([&](auto pair) COPPICE_LAMBDA {
      constexpr int first = 2 * pair, second = first + 1 < kPixels ? first + 1 : first;
      const Vector joined = V::join_pairs(sum[first], sum[second]);
      const Vector result = V::min(V::max(joined, low), high);
      V::store_lower(to[first], result, job.channels);
      if constexpr (second != first) V::store_upper(to[second], result, job.channels);
    });
  }

  struct Table {
    void (*tiles[kMostPixels])(const Job&, const float* const*, float* const*) = {};
    constexpr Table() {
      simd::unroll<kMostPixels>([&](auto p) COPPICE_LAMBDA { tiles[p] = &tile<p + 1>; });
    }
  };

  static void run(const Conv2DParams& p, const void* packed, const Image<const float>& in,
                  const Image<float>& out, RowRange rows) {
    static constexpr Table kTable{};
    const Window2D& w = p.window;
    const Job job{Runs(p), w.dilation_h * in.row_step, w.dilation_w * in.pixel_step, packed,
                  p.out_channels};
    simd::WindowWalk<V, float> walk(w, in, out, rows.begin);
    simd::for_each_tile<V>((rows.end - rows.begin) * w.out_w, kMostPixels, [&](int pixels) {
      const float* from[kMostPixels];
      float* to[kMostPixels];
      walk.take(pixels, from, to);
      kTable.tiles[pixels - 1](job, from, to);
    });
  }

  static constexpr Conv2DKernelF32 kernel(const char* name, Isa isa) {
    return {name, isa, accepts, packed_bytes, pack, run};
  }
};

}  // namespace coppice::kernels
