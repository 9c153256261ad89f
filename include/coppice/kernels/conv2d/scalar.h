#pragma once

#include <cstddef>
#include <type_traits>

#include "coppice/kernels/conv2d/conv2d.h"

namespace coppice::kernels {

/// Reorders weights [O, KH, KW, I/groups] to the [KH, KW, I/groups, O] that conv2d_scalar reads.
template <class Weights, class T>
constexpr void pack_conv2d_scalar(const Conv2DParams& p, const Weights& w, T* packed) {
  const int inner = p.taps() * p.in_per_group();
  for (int o = 0; o < p.out_channels; ++o) {
    for (int k = 0; k < inner; ++k) {
      packed[k * p.out_channels + o] = static_cast<T>(w[static_cast<size_t>(o * inner + k)]);
    }
  }
}

/// sum[o] += Σ_i value[i] * w[i * stride + o] for o < count, i < kDepth, in the order of i.
template <int kDepth, class Accumulator, class Value, class W>
inline void accumulate_row(int count, const Value* value, const W* w, int stride,
                           Accumulator* sum) {
  for (int o = 0; o < count; ++o) {
    Accumulator total = sum[o];
    for (int i = 0; i < kDepth; ++i) total += value[i] * static_cast<Value>(w[i * stride + o]);
    sum[o] = total;
  }
}

/// Convolution over packed weights, equal to conv2d_ref bit for bit, float included: output
/// channels are innermost, so that a compiler vectorizes them without reordering a sum. Four input
/// channels a pass touch the row of sums once.
template <class Output, class W>
void conv2d_scalar(const Conv2DParams& p, const Output& to, const typename Output::Value* x,
                   const W* packed, const typename Output::Accumulator* bias,
                   typename Output::Value* y) {
  using Accumulator = typename Output::Accumulator;
  // A 16-bit product operand keeps the widening multiply of SSE2 and NEON within reach.
  using Value = std::conditional_t<std::is_same_v<Accumulator, float>, float, int16_t>;
  const int depth = p.in_per_group();
  const int group_channels = p.out_per_group();
  Accumulator sum[kRowChannels];
  for (int out = 0; out < p.window.out_h * p.window.out_w; ++out) {
    for (int first = 0, count = 0; first < p.out_channels; first += count) {
      const int group = first / group_channels;
      const int left = (group + 1) * group_channels - first;
      count = left < kRowChannels ? left : kRowChannels;
      for (int o = 0; o < count; ++o) sum[o] = bias != nullptr ? bias[first + o] : Accumulator{0};
      for_each_tap(p.window, out / p.window.out_w, out % p.window.out_w, [&](int tap, int pixel) {
        const auto* from = x + pixel * p.in_channels + group * depth;
        const W* w = packed + static_cast<ptrdiff_t>(tap) * depth * p.out_channels + first;
        int i = 0;
        const auto value = [&](int k) {
          return static_cast<Value>(from[i + k] - static_cast<Value>(p.x_zero));
        };
        for (; i + 4 <= depth; i += 4) {
          const Value values[4] = {value(0), value(1), value(2), value(3)};
          accumulate_row<4>(count, values, w + i * p.out_channels, p.out_channels, sum);
        }
        for (; i < depth; ++i) {
          const Value values[1] = {value(0)};
          accumulate_row<1>(count, values, w + i * p.out_channels, p.out_channels, sum);
        }
      });
      finish_row(to, first, count, sum, y + out * p.out_channels + first);
    }
  }
}

}  // namespace coppice::kernels
