#pragma once

#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "kernels/simd/f32_packed.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/tiles.h"
#include "kernels/simd/window_walk.h"

namespace coppice::kernels {

/// Depthwise convolution: a tile of pixels times one vector of output channels. The weights of a
/// tap are read once a tile, the pixels' values are operands of the multiply-add in memory.
template <class V>
struct DepthwiseConv2DF32 {
  using Vector = typename V::Vector;
  using Walk = simd::WindowWalk<V, float>;
  static constexpr int kLanes = V::kLanes;
  static constexpr int kMostPixels = 8;

  static bool accepts(const DepthwiseConv2DParams&) { return true; }

  static size_t packed_bytes(const DepthwiseConv2DParams& p) {
    const int vectors = (p.out_channels() + kLanes - 1) / kLanes;
    return simd::packed_bytes(vectors, 1 + p.taps(), kLanes);
  }

  /// For each vector of output channels: its biases, then its weights tap by tap.
  static bool pack(const DepthwiseConv2DParams& p, const ClampFloat& clamp, const float* weights,
                   const float* bias, void* packed) {
    float* to = simd::begin_packed(clamp, packed);
    const int channels = p.out_channels();
    for (int first = 0; first < channels; first += kLanes) {
      for (int tap = -1; tap < p.taps(); ++tap) {
        for (int c = first; c < first + kLanes; ++c, ++to) {
          if (c >= channels) {
            *to = 0.0f;
          } else if (tap < 0) {
            *to = bias != nullptr ? bias[c] : 0.0f;
          } else {
            *to = weights[tap * channels + c];
          }
        }
      }
    }
    return true;
  }

  struct Taps {
    int rows = 0, columns = 0;
    ptrdiff_t row_step = 0, column_step = 0;
  };
  struct Output {
    const simd::PackedClamp& clamp;
    int used;  ///< Channels of the vector.
  };

  /// What the multiplier makes of the input channels that a vector reads: one each, or each of them
  /// so often.
  struct Plain {
    Vector operator()(const float* from) const { return V::load(from); }
  };
  struct Repeated {
    typename V::Index index;
    Vector operator()(const float* from) const { return V::pick(V::load(from), index); }
  };

  template <int kPixels, class Read>
  static void tile(const Taps& taps, const float* const* windows, float* const* to, ptrdiff_t in,
                   ptrdiff_t out, const float* packed, const Read& read, const Output& output) {
    Vector sum[kPixels];
    const float* from[kPixels];
    simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
      from[p] = windows[p] + in;
      sum[p] = V::load(packed);
    });
    for (int row = 0; row < taps.rows; ++row) {
      ptrdiff_t at = row * taps.row_step;
      for (int column = 0; column < taps.columns; ++column, at += taps.column_step) {
        packed += kLanes;
        const Vector weight = V::load(packed);
        simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
          sum[p] = V::multiply_add(read(from[p] + at), weight, sum[p]);
        });
      }
    }
    const Vector low = V::all(output.clamp.min), high = V::all(output.clamp.max);
    simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
      const Vector result = V::min(V::max(sum[p], low), high);
      if (output.used == kLanes) {
        V::store(to[p] + out, result);
      } else {
        V::store_part(to[p] + out, result, output.used);
      }
    });
  }

  template <int kPixels>
  static void channels(const DepthwiseConv2DParams& p, const Taps& taps, const void* packed,
                       const float* const* from, float* const* to) {
    const float* weights = simd::packed_weights(packed);
    const int count = p.out_channels();
    for (int first = 0; first < count; first += kLanes, weights += kLanes * (1 + p.taps())) {
      const int left = count - first;
      const Output output{simd::packed_clamp(packed), left < kLanes ? left : kLanes};
      if (p.multiplier == 1) {
        tile<kPixels>(taps, from, to, first, first, weights, Plain{}, output);
      } else {
        const int in = first / p.multiplier;
        int index[kLanes];
        for (int i = 0; i < kLanes; ++i) index[i] = (first + i) / p.multiplier - in;
        tile<kPixels>(taps, from, to, in, first, weights, Repeated{V::load_index(index)}, output);
      }
    }
  }

  using ChannelsFunction = void (*)(const DepthwiseConv2DParams&, const Taps&, const void*,
                                    const float* const*, float* const*);
  struct Table {
    ChannelsFunction pixels[kMostPixels] = {};
    constexpr Table() {
      simd::unroll<kMostPixels>([&](auto p) COPPICE_LAMBDA { pixels[p] = &channels<p + 1>; });
    }
  };

  static void run(const DepthwiseConv2DParams& p, const void* packed, const Image<const float>& in,
                  const Image<float>& out, RowRange rows) {
    static constexpr Table kTable{};
    const Window2D& w = p.window;
    const Taps taps{w.kernel_h, w.kernel_w, w.dilation_h * in.row_step,
                    w.dilation_w * in.pixel_step};
    Walk walk(w, in, out, rows.begin);
    simd::for_each_tile<V>((rows.end - rows.begin) * w.out_w, kMostPixels, [&](int pixels) {
      const float* from[kMostPixels];
      float* to[kMostPixels];
      walk.take(pixels, from, to);
      kTable.pixels[pixels - 1](p, taps, packed, from, to);
    });
  }

  static constexpr DepthwiseConv2DKernelF32 kernel(const char* name, Isa isa) {
    return {name, isa, accepts, packed_bytes, pack, run};
  }
};

}  // namespace coppice::kernels
