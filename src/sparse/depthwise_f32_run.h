#pragma once

#include "kernels/simd/inline.h"
#include "sparse/depthwise_f32_layout.h"

namespace coppice::sparse {

/// The depthwise convolution of a FloatDepthwise for the vectors V. As in the dense kernel, the
/// nine weights of a vector of channels stay in registers while it goes over the image, and a value
/// that is read serves up to nine outputs of a tile along a row.
template <class V>
class FloatDepthwiseRun {
  using Vector = typename V::Vector;
  using Format = FloatDepthwise;
  static constexpr int kLanes = V::kLanes;
  static constexpr int kMostPixels = 6;
  static_assert(kLanes == Format::kLanes);

  /// One window of channels, or one vector of it, over some rows.
  struct Strip {
    const float* x;  ///< Top left of the first window.
    float* y;
    int rows, columns, channels;  ///< Channels that are left, at least 1.
    ptrdiff_t x_row;              ///< Floats between the windows of two rows.
    ptrdiff_t x_tap_row, x_pixel, y_row, y_pixel;
    kernels::ClampFloat clamp;
    const Format::Window* window;
    const float* constant;  ///< [2, kLanes]
    const float* value;     ///< Bias, then nine taps.
  };

 public:
  static void run(const kernels::DepthwiseConv2DParams& p, const void* packed,
                  const kernels::Image<const float>& x, const kernels::Image<float>& y,
                  kernels::RowRange rows) {
    const kernels::Window2D& w = p.window;
    const auto* head = static_cast<const Format::Head*>(packed);
    Strip s{};
    s.x = x.pixel(rows.begin * w.stride_h - w.pad_top, -w.pad_left);
    s.y = y.pixel(rows.begin, 0);
    s.rows = rows.end - rows.begin;
    s.columns = w.out_w;
    s.x_row = w.stride_h * x.row_step;
    s.x_tap_row = x.row_step, s.x_pixel = x.pixel_step;
    s.y_row = y.row_step, s.y_pixel = y.pixel_step;
    s.clamp = head->clamp;
    s.window = reinterpret_cast<const Format::Window*>(head + 1);
    for (int first = 0; first < p.channels; first += Format::kWindow) {
      s.channels = p.channels - first;
      s.constant = reinterpret_cast<const float*>(s.window + 1);
      s.value = s.constant + 2 * kLanes;
      one_window(s, w.stride_w);
      const float* end = s.constant + Format::vectors(s.window->kind) * kLanes;
      s.window = reinterpret_cast<const Format::Window*>(end);
      s.x += Format::kWindow;
      s.y += Format::kWindow;
    }
  }

 private:
  static void one_window(const Strip& window, int stride) {
    Strip s = window;
    if (s.window->kind == Format::Kind::kConstant) return constants(s);
    if (s.window->kind == Format::Kind::kGathered) return all_columns<true>(s, stride);
    for (int half = 0; half < 2 && s.channels > 0; ++half, s.channels -= kLanes) {
      all_columns<false>(s, stride);
      s.x += kLanes;
      s.y += kLanes;
      s.value += (1 + Format::kTaps) * kLanes;
    }
  }

  static COPPICE_INLINE void store(float* to, Vector result, int channels) {
    if (channels >= kLanes) {
      V::store(to, result);
    } else if (channels > 0) {
      V::store_part(to, result, channels);
    }
  }

  static void constants(const Strip& s) {
    const Vector low = V::load(s.constant), high = V::load(s.constant + kLanes);
    for (int row = 0; row < s.rows; ++row) {
      float* y = s.y + row * s.y_row;
      for (int column = 0; column < s.columns; ++column, y += s.y_pixel) {
        store(y, low, s.channels);
        store(y + kLanes, high, s.channels - kLanes);
      }
    }
  }

  // kPixels neighbours, whose windows are kStride pixels apart, in `s.columns / kPixels` tiles.
  template <bool kGathered, int kStride, int kPixels>
  static void strip(const Strip& s) {
    Vector weight[Format::kTaps];
    kernels::simd::unroll<Format::kTaps>(
        [&](auto i) COPPICE_LAMBDA { weight[i] = V::load(s.value + (i + 1) * kLanes); });
    const Vector bias = V::load(s.value);
    const auto pick = V::load_places(s.window->pick);
    for (int row = 0; row < s.rows; ++row) {
      const float* x = s.x + row * s.x_row;
      float* y = s.y + row * s.y_row;
      for (int column = 0; column < s.columns; column += kPixels) {
        Vector sum[kPixels];
        kernels::simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA { sum[p] = bias; });
        kernels::simd::unroll<3>([&](auto ky) COPPICE_LAMBDA {
          const float* from = x + ky * s.x_tap_row;
          kernels::simd::unroll<(kPixels - 1) * kStride + 3>([&](auto i) COPPICE_LAMBDA {
            const Vector value =
                kGathered ? V::pick(V::load(from), V::load(from + kLanes), pick) : V::load(from);
            from += s.x_pixel;
            kernels::simd::unroll<3>([&](auto kx) COPPICE_LAMBDA {
              constexpr int ahead = i - kx;
              if constexpr (ahead >= 0 && ahead % kStride == 0 && ahead / kStride < kPixels) {
                sum[ahead / kStride] =
                    V::multiply_add(value, weight[3 * ky + kx], sum[ahead / kStride]);
              }
            });
          });
        });
        put<kGathered, kPixels>(s, sum, y);
        x += kPixels * kStride * s.x_pixel;
        y += kPixels * s.y_pixel;
      }
    }
  }

  template <bool kGathered, int kPixels>
  static COPPICE_INLINE void put(const Strip& s, Vector (&sum)[kPixels], float* y) {
    const Vector low = V::all(s.clamp.min), high = V::all(s.clamp.max);
    kernels::simd::unroll<kPixels>(
        [&](auto p) COPPICE_LAMBDA { sum[p] = V::min(V::max(sum[p], low), high); });
    kernels::simd::unroll<kGathered ? 2 : 1>([&](auto half) COPPICE_LAMBDA {
      const auto place = V::load_places(s.window->place + half * kLanes);
      const Vector constant = V::load(s.constant + half * kLanes);
      kernels::simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
        const Vector result = kGathered ? V::pick(sum[p], constant, place) : sum[p];
        store(y + p * s.y_pixel + half * kLanes, result, s.channels - half * kLanes);
      });
    });
  }

  template <bool kGathered>
  struct Table {
    void (*strips[2][kMostPixels])(const Strip&) = {};
    constexpr Table() {
      kernels::simd::unroll<kMostPixels>([&](auto p) COPPICE_LAMBDA {
        strips[0][p] = &strip<kGathered, 1, p + 1>;
        strips[1][p] = &strip<kGathered, 2, p + 1>;
      });
    }
  };

  template <bool kGathered>
  static void all_columns(Strip s, int stride) {
    static constexpr Table<kGathered> kTable{};
    const int columns = s.columns, tiles = (columns + kMostPixels - 1) / kMostPixels;
    if (tiles == 0) return;
    const int size = columns / tiles, larger = columns % tiles;
    for (const int pixels : {size + 1, size}) {
      s.columns = pixels * (pixels > size ? larger : tiles - larger);
      if (s.columns > 0) kTable.strips[stride - 1][pixels - 1](s);
      s.x += s.columns * stride * s.x_pixel;
      s.y += s.columns * s.y_pixel;
    }
  }
};

}  // namespace coppice::sparse
