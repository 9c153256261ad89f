#pragma once

#include "coppice/kernels/conv2d/dense.h"
#include "kernels/simd/f32_packed.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/tap_spans.h"

namespace coppice::kernels {

/// Convolution of few input channels to few, such as a network's first: neighbouring pixels in
/// lanes, four in each block of four lanes, so that shuffles within blocks bring inputs of a
/// channel and outputs of a pixel together. Each input serves all output channels, whose weights
/// are broadcast from memory by the multiply-add itself. Pixels of x and of y must follow each
/// other without a gap.
template <class V>
struct Conv2DRowsF32 {
  using Vector = typename V::Vector;
  static constexpr int kLanes = V::kLanes;
  static constexpr int kMostStep = 6;
  static constexpr int kMostChannels = 8;

  /// Floats between the windows of two neighbours.
  static int step_of(const Conv2DParams& p) { return p.window.stride_w * p.in_channels; }

  static bool accepts(const Conv2DParams& p) {
    const Window2D& w = p.window;
    return p.groups == 1 && w.dilation_w == 1 && step_of(p) <= kMostStep && step_of(p) != 5 &&
           p.out_channels <= kMostChannels && p.out_channels % 2 == 0 && w.out_w >= kLanes;
  }
  static size_t packed_bytes(const Conv2DParams& p) {
    return sizeof(simd::PackedClamp) +
           sizeof(float) * static_cast<size_t>((1 + terms(p)) * p.out_channels);
  }
  static int terms(const Conv2DParams& p) { return p.taps() * p.in_channels; }
  /// Biases, then the weights of each term, by channel.
  static bool pack(const Conv2DParams& p, const ClampFloat& clamp, const float* weights,
                   const float* bias, void* packed) {
    float* to = simd::begin_packed(clamp, packed);
    for (int term = -1; term < terms(p); ++term) {
      for (int o = 0; o < p.out_channels; ++o) {
        *to++ = term >= 0 ? weights[o * terms(p) + term] : bias != nullptr ? bias[o] : 0.0f;
      }
    }
    return true;
  }

  struct Job {
    int row_terms;  ///< Of a row of the kernel.
    ptrdiff_t row_step;
    simd::PackedClamp clamp;
    const float* weights;  ///< Biases first.
  };

  /// Value `index` of each of kLanes windows that are kStep floats apart. Four of them, a block,
  /// lie in kStep quads.
  template <int kStep, int index>
  static COPPICE_INLINE Vector values(const float* x) {
    if constexpr (kStep == 1) {
      return V::load(x);
    } else {
      const auto quad = [&](auto i) COPPICE_LAMBDA { return V::load_quads(x + 4 * i, 4 * kStep); };
      // With an even step a pair of values is gathered for two of these.
      constexpr int pair = kStep % 2 == 0 ? 1 : 0, first = pair != 0 ? index / 2 * 2 : index;
      const auto two = [&](auto pixel) COPPICE_LAMBDA {
        constexpr int a = pixel * kStep + first, b = a + kStep;
        return V::template shuffle<a % 4, a % 4 + pair, b % 4, b % 4 + pair>(quad(a / 4),
                                                                             quad(b / 4));
      };
      constexpr int k = index - first;
      return V::template shuffle<k, 2 + k, k, 2 + k>(two(std::integral_constant<int, 0>{}),
                                                     two(std::integral_constant<int, 2>{}));
    }
  }

  template <int kChannels>
  static COPPICE_INLINE void accumulate(Vector value, const float*& weight,
                                        Vector (&sum)[kChannels]) {
    simd::unroll<kChannels>(
        [&](auto c) COPPICE_LAMBDA { sum[c] = V::multiply_add(value, V::all(weight[c]), sum[c]); });
    weight += kChannels;
  }

  template <int kStep, int kChannels>
  static COPPICE_INLINE void accumulate_row(const float* x, int terms, const float*& weight,
                                            Vector (&sum)[kChannels]) {
    Vector value[kStep];
    simd::unroll<kStep>([&](auto i) COPPICE_LAMBDA {
      if (i >= terms) return;
      value[i] = values<kStep, i>(x);
      accumulate(value[i], weight, sum);
    });
    // The next kStep values of each window are the first ones of its neighbour.
    for (int left = terms - kStep; left > 0; left -= kStep) {
      x += kStep;
      simd::unroll<kStep>([&](auto i) COPPICE_LAMBDA {
        if (i >= left) return;
        value[i] = kStep == 1 ? V::load(x) : V::shift_in(value[i], x[(kLanes - 1) * kStep + i]);
        accumulate(value[i], weight, sum);
      });
    }
  }

  /// kUsed of four channels of kLanes pixels.
  template <int kUsed>
  static COPPICE_INLINE void store(float* y, ptrdiff_t y_pixel, Vector a, Vector b, Vector c,
                                   Vector d) {
    const auto pixels = [&](auto half) COPPICE_LAMBDA {
      constexpr int k = 2 * half;
      const Vector ab = V::template shuffle<k, k + 1, k, k + 1>(a, b);
      const Vector cd = V::template shuffle<k, k + 1, k, k + 1>(c, d);
      V::template store_quads<kUsed>(y + k * y_pixel, 4 * y_pixel,
                                     V::template shuffle<0, 2, 0, 2>(ab, cd));
      V::template store_quads<kUsed>(y + (k + 1) * y_pixel, 4 * y_pixel,
                                     V::template shuffle<1, 3, 1, 3>(ab, cd));
    };
    simd::unroll<2>(pixels);
  }

  /// Finishes and stores kLanes pixels.
  template <int kChannels>
  static COPPICE_INLINE void store_tile(const simd::PackedClamp& clamp, Vector (&sum)[kChannels],
                                        float* y) {
    const Vector low = V::all(clamp.min), high = V::all(clamp.max);
    simd::unroll<kChannels>([&](auto c)
                                COPPICE_LAMBDA { sum[c] = V::min(V::max(sum[c], low), high); });
    simd::unroll<(kChannels + 3) / 4>([&](auto four) COPPICE_LAMBDA {
      constexpr int c = 4 * four, kUsed = kChannels - c < 4 ? kChannels - c : 4;
      constexpr int d = c + kUsed - 2;  // Of two channels, both twice.
      store<kUsed>(y + c, kChannels, sum[c], sum[c + 1], sum[d], sum[d + 1]);
    });
  }

  template <int kStep, int kChannels>
  static void run_rows(const Conv2DParams& p, const Job& job, const Image<const float>& in,
                       const Image<float>& out, RowRange rows) {
    const Window2D& w = p.window;
    // A tile is stored behind the first row of the next, whose products need not wait for it then.
    Vector last_sum[kChannels];
    float* last_y = nullptr;
    const auto store_last = [&]() COPPICE_LAMBDA {
      if (last_y != nullptr) store_tile<kChannels>(job.clamp, last_sum, last_y);
      last_y = nullptr;
    };
    for (int oy = rows.begin; oy < rows.end; ++oy) {
      const simd::TapSpan seen = simd::WindowAxis::rows(w).span_at(oy);
      const float* first_x = in.pixel(oy * w.stride_h - w.pad_top, -w.pad_left);
      // The last tile computes pixels of the one before again. Of a plan that reads fewer than
      // kLanes, it computes more: the image has them.
      const int last = w.out_w > kLanes ? w.out_w - kLanes : 0;
      for (int ox = 0; ox < w.out_w; ox += kLanes) {
        const int at = ox < last ? ox : last;
        const float* x = first_x + at * kStep;
        const float* weight = job.weights + (1 + seen.first * job.row_terms) * kChannels;
        Vector sum[kChannels];
        simd::unroll<kChannels>([&](auto c) COPPICE_LAMBDA { sum[c] = V::all(job.weights[c]); });
        for (int ky = seen.first; ky < seen.last; ++ky) {
          accumulate_row<kStep, kChannels>(x + ky * job.row_step, job.row_terms, weight, sum);
          store_last();
        }
        store_last();
        simd::unroll<kChannels>([&](auto c) COPPICE_LAMBDA { last_sum[c] = sum[c]; });
        last_y = out.pixel(oy, at);
      }
    }
    store_last();
  }

  using RowsFunction = void (*)(const Conv2DParams&, const Job&, const Image<const float>&,
                                const Image<float>&, RowRange);
  // rows[step - 1][channels / 2 - 1].
  struct Table {
    RowsFunction rows[kMostStep][kMostChannels / 2] = {};
    constexpr Table() {
      simd::unroll<kMostStep>([&](auto step) COPPICE_LAMBDA {
        if constexpr (step != 4) {
          simd::unroll<kMostChannels / 2>([&](auto pairs) COPPICE_LAMBDA {
            rows[step][pairs] = &run_rows<step + 1, 2 * (pairs + 1)>;
          });
        }
      });
    }
  };

  static void run(const Conv2DParams& p, const void* packed, const Image<const float>& in,
                  const Image<float>& out, RowRange rows) {
    static constexpr Table kTable{};
    const Window2D& w = p.window;
    const Job job{w.kernel_w * p.in_channels, w.dilation_h * in.row_step,
                  simd::packed_clamp(packed), simd::packed_weights(packed)};
    kTable.rows[step_of(p) - 1][p.out_channels / 2 - 1](p, job, in, out, rows);
  }

  static constexpr Conv2DKernelF32 kernel(const char* name, Isa isa) {
    return {name, isa, accepts, packed_bytes, pack, run};
  }
};

}  // namespace coppice::kernels
