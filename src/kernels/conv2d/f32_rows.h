#pragma once

#include "coppice/kernels/conv2d/dense.h"
#include "kernels/simd/f32_packed.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/tap_spans.h"

namespace coppice::kernels {

/// Convolution of one input channel to few: pixels in lanes. What a kernel tap meets is a vector of
/// the input as it lies, and serves all output channels. At the end permutations bring the channels
/// of a pixel together.
template <class V>
struct Conv2DRowsF32 {
  using Vector = typename V::Vector;
  static constexpr int kLanes = V::kLanes;
  static constexpr int kMostChannels = 8;

  /// Where the values of kLanes pixels come from, in the order of memory.
  struct Order {
    struct Part {
      int pixel[kLanes];
      uint16_t of_channel[kMostChannels];  ///< Lanes that hold it.
    } parts[kMostChannels];
  };

  static bool accepts(const Conv2DParams& p) {
    // Fewer idle lanes than where channels lie in lanes, two for each channel.
    const int width = (p.window.out_w + kLanes - 1) / kLanes * kLanes;
    return p.in_channels == 1 && p.window.stride_w == 1 && p.out_channels <= kMostChannels &&
           even_channels(p) * width <= kMostChannels * p.window.out_w;
  }
  static int even_channels(const Conv2DParams& p) { return (p.out_channels + 1) / 2 * 2; }
  static size_t packed_bytes(const Conv2DParams& p) {
    return sizeof(simd::PackedClamp) + sizeof(Order) +
           sizeof(float) * static_cast<size_t>((1 + p.taps()) * even_channels(p));
  }
  static bool pack(const Conv2DParams& p, const ClampFloat& clamp, const float* weights,
                   const float* bias, void* packed) {
    float* to = simd::begin_packed(clamp, packed);
    Order order{};
    for (int i = 0; i < p.out_channels * kLanes; ++i) {
      auto& part = order.parts[i / kLanes];
      part.pixel[i % kLanes] = i / p.out_channels;
      part.of_channel[i % p.out_channels] |= static_cast<uint16_t>(1 << i % kLanes);
    }
    __builtin_memcpy(to, &order, sizeof(order));
    to += sizeof(order) / sizeof(float);
    for (int tap = -1; tap < p.taps(); ++tap) {
      for (int o = 0; o < even_channels(p); ++o) {
        const bool used = o < p.out_channels && (tap >= 0 || bias != nullptr);
        *to++ = !used ? 0.0f : tap < 0 ? bias[o] : weights[o * p.taps() + tap];
      }
    }
    return true;
  }

  struct Job {
    int kernel_w, channels;
    ptrdiff_t row_step, tap_step;
    simd::PackedClamp clamp;
    const Order* order;
    const float* weights;  ///< Biases first.
  };

  /// `pixels` neighbours, in kVectors vectors, of the kernel's rows that are not padding.
  template <int kChannels, int kVectors>
  static void tile(const Job& job, const simd::TapSpan& seen, const float* x, float* y,
                   int pixels) {
    Vector sum[kVectors][kChannels];
    const float* weight = job.weights;
    simd::unroll<kChannels>([&](auto c) COPPICE_LAMBDA {
      simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA { sum[v][c] = V::all(weight[c]); });
    });
    weight += (1 + seen.first * job.kernel_w) * kChannels;
    x += seen.first * job.row_step;
    for (int ky = seen.first; ky < seen.last; ++ky, x += job.row_step) {
      const float* at = x;
      for (int kx = 0; kx < job.kernel_w; ++kx, at += job.tap_step, weight += kChannels) {
        Vector value[kVectors];
        simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA { value[v] = V::load(at + v * kLanes); });
        simd::unroll<kChannels>([&](auto c) COPPICE_LAMBDA {
          const Vector factor = V::all(weight[c]);
          simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
            sum[v][c] = V::multiply_add(value[v], factor, sum[v][c]);
          });
        });
      }
    }
    const Vector low = V::all(job.clamp.min), high = V::all(job.clamp.max);
    int left = pixels * job.channels;
    simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
      simd::unroll<kChannels>(
          [&](auto c) COPPICE_LAMBDA { sum[v][c] = V::min(V::max(sum[v][c], low), high); });
      for (int i = 0; i < job.channels && left > 0; ++i, left -= kLanes, y += kLanes) {
        const auto& part = job.order->parts[i];
        const auto pixel = V::load_index(part.pixel);
        Vector values = V::zero();
        simd::unroll<kChannels>([&](auto c) COPPICE_LAMBDA {
          values = V::pick_some(values, part.of_channel[c], sum[v][c], pixel);
        });
        V::store_part(y, values, left < kLanes ? left : kLanes);
      }
    });
  }

  template <int kChannels>
  static void run_rows(const Conv2DParams& p, const Job& job, const Image<const float>& in,
                       const Image<float>& out, RowRange rows) {
    const Window2D& w = p.window;
    for (int oy = rows.begin; oy < rows.end; ++oy) {
      const simd::TapSpan seen = simd::WindowAxis::rows(w).span_at(oy);
      const float* x = in.pixel(oy * w.stride_h - w.pad_top, -w.pad_left);
      for (int ox = 0; ox < w.out_w; ox += 2 * kLanes) {
        const int left = w.out_w - ox;
        if (left > kLanes)
          tile<kChannels, 2>(job, seen, x + ox, out.pixel(oy, ox),
                             left < 2 * kLanes ? left : 2 * kLanes);
        else
          tile<kChannels, 1>(job, seen, x + ox, out.pixel(oy, ox), left);
      }
    }
  }
  static void run(const Conv2DParams& p, const void* packed, const Image<const float>& in,
                  const Image<float>& out, RowRange rows) {
    const auto* order = reinterpret_cast<const Order*>(simd::packed_weights(packed));
    const Window2D& w = p.window;
    const Job job{w.kernel_w,
                  p.out_channels,
                  w.dilation_h * in.row_step,
                  w.dilation_w,
                  simd::packed_clamp(packed),
                  order,
                  reinterpret_cast<const float*>(order + 1)};
    switch (even_channels(p)) {
      case 2:
        return run_rows<2>(p, job, in, out, rows);
      case 4:
        return run_rows<4>(p, job, in, out, rows);
      case 6:
        return run_rows<6>(p, job, in, out, rows);
      default:
        return run_rows<8>(p, job, in, out, rows);
    }
  }

  static constexpr Conv2DKernelF32 kernel(const char* name, Isa isa) {
    return {name, isa, accepts, packed_bytes, pack, run};
  }
};

}  // namespace coppice::kernels
