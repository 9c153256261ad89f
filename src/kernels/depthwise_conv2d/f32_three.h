#pragma once

#include "kernels/depthwise_conv2d/f32_run.h"

namespace coppice::kernels {

/// Depthwise 3x3: the nine weights of a vector of channels stay in registers while it goes over the
/// image, and a value that is read serves up to nine outputs of a tile along a row. (The general
/// kernel reads a value for each product.) Of half a vector of channels, two pixels are one vector.
template <class V>
struct DepthwiseThreeF32 {
  using Vector = typename V::Vector;
  using General = DepthwiseConv2DF32<V>;
  static constexpr int kLanes = V::kLanes;
  // Beside the sums live nine weights, a value, and on 32 registers bias and clamp.
  static constexpr int kMostPixels = V::kRegisters >= 32 ? 8 : 4;

  static bool accepts(const DepthwiseConv2DParams& p) {
    const Window2D& w = p.window;
    return w.kernel_h == 3 && w.kernel_w == 3 && w.dilation_h == 1 && w.dilation_w == 1 &&
           p.multiplier == 1 && w.stride_w <= 2;
  }

  static bool is_half(const DepthwiseConv2DParams& p) { return 2 * p.channels == kLanes; }

  static bool pack(const DepthwiseConv2DParams& p, const ClampFloat& clamp, const float* weights,
                   const float* bias, void* packed) {
    General::pack(p, clamp, weights, bias, packed);
    if (!is_half(p)) return true;
    float* vector = simd::begin_packed(clamp, packed);
    for (int i = 0; i < 10; ++i, vector += kLanes) {
      for (int c = 0; c < p.channels; ++c) vector[p.channels + c] = vector[c];
    }
    return true;
  }

  /// Columns of one vector of channels.
  struct Strip {
    const float* x;       ///< Top left of the first window.
    float* y;             ///< First result.
    int rows, tiles;      ///< Tiles lie side by side.
    int used;             ///< Lanes that are stored.
    ptrdiff_t x_row;      ///< Floats between the windows of two rows.
    ptrdiff_t x_tap_row;  ///< Floats between the rows of a window.
    ptrdiff_t x_pixel;
    ptrdiff_t y_row, y_pixel;
    const void* packed;
    const float* weights;  ///< Bias, then nine taps.
  };

  // Results of kPixels neighbours, whose windows are kStride pixels apart.
  template <int kPixels, int kStride>
  static void strip(const Strip& s) {
    Vector weight[9];
    simd::unroll<9>([&](auto i)
                        COPPICE_LAMBDA { weight[i] = V::load(s.weights + (i + 1) * kLanes); });
    const Vector bias = V::load(s.weights);
    const Vector low = V::all(simd::packed_clamp(s.packed).min);
    const Vector high = V::all(simd::packed_clamp(s.packed).max);
    for (int row = 0; row < s.rows; ++row) {
      const float* x = s.x + row * s.x_row;
      float* y = s.y + row * s.y_row;
      for (int t = 0; t < s.tiles;
           ++t, x += kPixels * kStride * s.x_pixel, y += kPixels * s.y_pixel) {
        Vector sum[kPixels];
        simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA { sum[p] = bias; });
        simd::unroll<3>([&](auto ky) COPPICE_LAMBDA {
          const float* from = x + ky * s.x_tap_row;
          simd::unroll<(kPixels - 1) * kStride + 3>([&](auto i) COPPICE_LAMBDA {
            const Vector value = V::load(from);
            from += s.x_pixel;
            simd::unroll<3>([&](auto kx) COPPICE_LAMBDA {
              constexpr int ahead = i - kx;
              if constexpr (ahead >= 0 && ahead % kStride == 0 && ahead / kStride < kPixels) {
                sum[ahead / kStride] =
                    V::multiply_add(value, weight[3 * ky + kx], sum[ahead / kStride]);
              }
            });
          });
        });
        simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
          const Vector result = V::min(V::max(sum[p], low), high);
          if (s.used == kLanes) {
            V::store(y + p * s.y_pixel, result);
          } else {
            V::store_part(y + p * s.y_pixel, result, s.used);
          }
        });
      }
    }
  }

  struct Table {
    void (*strips[2][kMostPixels])(const Strip&) = {};
    constexpr Table() {
      simd::unroll<kMostPixels>([&](auto p) COPPICE_LAMBDA {
        strips[0][p] = &strip<p + 1, 1>;
        strips[1][p] = &strip<p + 1, 2>;
      });
    }
  };

  // `columns` windows that are `stride` pixels apart, all rows.
  static void all_columns(Strip s, int columns, int stride) {
    static constexpr Table kTable{};
    simd::for_each_tile_size(columns, kMostPixels, [&](int, int tiles, int pixels) {
      s.tiles = tiles;
      kTable.strips[stride - 1][pixels - 1](s);
      s.x += tiles * pixels * stride * s.x_pixel;
      s.y += tiles * pixels * s.y_pixel;
    });
  }

  static void run(const DepthwiseConv2DParams& p, const void* packed, const Image<const float>& in,
                  const Image<float>& out, RowRange rows) {
    const Window2D& w = p.window;
    Strip s{};
    s.x = in.pixel(rows.begin * w.stride_h - w.pad_top, -w.pad_left);
    s.y = out.pixel(rows.begin, 0);
    s.rows = rows.end - rows.begin;
    s.x_row = w.stride_h * in.row_step;
    s.x_tap_row = in.row_step;
    s.x_pixel = in.pixel_step;
    s.y_row = out.row_step;
    s.y_pixel = out.pixel_step;
    s.packed = packed;
    s.weights = simd::packed_weights(packed);
    int columns = w.out_w;
    if (is_half(p) && w.stride_w == 1 && in.pixel_step == p.channels &&
        out.pixel_step == p.channels) {
      Strip pairs = s;
      pairs.used = kLanes;
      pairs.y_pixel = kLanes;
      all_columns(pairs, columns / 2, 2);
      s.x += columns / 2 * kLanes;
      s.y += columns / 2 * kLanes;
      columns %= 2;
    }
    for (int first = 0; first < p.channels; first += kLanes) {
      const int left = p.channels - first;
      s.used = left < kLanes ? left : kLanes;
      all_columns(s, columns, w.stride_w);
      s.x += kLanes;
      s.y += kLanes;
      s.weights += 10 * kLanes;
    }
  }

  static constexpr DepthwiseConv2DKernelF32 kernel(const char* name, Isa isa) {
    return {name, isa, accepts, General::packed_bytes, pack, run};
  }
};

}  // namespace coppice::kernels
