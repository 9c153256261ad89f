#pragma once

#include <cstddef>
#include <type_traits>

#include "coppice/kernels/depthwise_conv2d/depthwise_conv2d.h"

namespace coppice::kernels {

/// Depthwise convolution, the specification. `to` is Requantize (int8 x and y, int32 bias),
/// RequantizeWide (int16 x and y, int64 bias and sums) or ClampFloat (all float). `w` is indexed: a
/// pointer or PackedWeights. Each sum starts at the bias and takes the taps in row order; a row of
/// channels is summed at a time.
template <class Output, class Weights>
void depthwise_conv2d_ref(const DepthwiseConv2DParams& p, const Output& to,
                          const typename Output::Value* x, const Weights& w,
                          const typename Output::Accumulator* bias, typename Output::Value* y) {
  using Accumulator = typename Output::Accumulator;
  // A 16-bit product operand keeps the widening multiply of SSE2 and NEON within reach.
  using Value = std::conditional_t<std::is_floating_point_v<Accumulator>, Accumulator, int16_t>;
  const auto zero = static_cast<Value>(p.x_zero);
  const int channels = p.out_channels();
  Accumulator sum[kRowChannels];
  for (int out = 0; out < p.window.out_h * p.window.out_w; ++out) {
    for (int first = 0; first < channels; first += kRowChannels) {
      const int count = channels - first < kRowChannels ? channels - first : kRowChannels;
      for (int c = 0; c < count; ++c) sum[c] = bias != nullptr ? bias[first + c] : Accumulator{0};
      for_each_tap(p.window, out / p.window.out_w, out % p.window.out_w, [&](int tap, int pixel) {
        const auto weight = [&](int c) {
          return static_cast<Value>(w[static_cast<size_t>(tap * channels + first + c)]);
        };
        const auto* from = x + pixel * p.channels;
        if (p.multiplier == 1) {
          for (int c = 0; c < count; ++c) {
            sum[c] += static_cast<Value>(from[first + c] - zero) * weight(c);
          }
        } else {
          for (int c = 0; c < count; ++c) {
            sum[c] += static_cast<Value>(from[(first + c) / p.multiplier] - zero) * weight(c);
          }
        }
      });
      finish_row(to, first, count, sum, y + out * channels + first);
    }
  }
}

}  // namespace coppice::kernels
