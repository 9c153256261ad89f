#pragma once

#include <cstddef>

#include "coppice/kernels/conv2d/conv2d.h"

namespace coppice::kernels {

/// Convolution, the specification. `to` is Requantize (int8 x and y, int32 bias),
/// RequantizeWide (int16 x and y, int64 bias and sums) or ClampFloat (all float). `w` is indexed: a
/// pointer or PackedWeights. The sum starts at the bias and takes the taps in row order, the input
/// channels innermost.
template <class Output, class Weights>
void conv2d_ref(const Conv2DParams& p, const Output& to, const typename Output::Value* x,
                const Weights& w, const typename Output::Accumulator* bias,
                typename Output::Value* y) {
  using Accumulator = typename Output::Accumulator;
  const int depth = p.in_per_group();
  for (int oy = 0; oy < p.window.out_h; ++oy) {
    for (int ox = 0; ox < p.window.out_w; ++ox) {
      for (int o = 0; o < p.out_channels; ++o) {
        const int first = o / p.out_per_group() * depth;
        Accumulator sum = bias != nullptr ? bias[o] : Accumulator{0};
        for_each_tap(p.window, oy, ox, [&](int tap, int pixel) {
          for (int i = 0; i < depth; ++i) {
            const auto value = static_cast<Accumulator>(x[pixel * p.in_channels + first + i]);
            const auto weight =
                static_cast<Accumulator>(w[static_cast<size_t>((o * p.taps() + tap) * depth + i)]);
            sum += (value - static_cast<Accumulator>(p.x_zero)) * weight;
          }
        });
        y[(oy * p.window.out_w + ox) * p.out_channels + o] = finish(to, o, sum);
      }
    }
  }
}

}  // namespace coppice::kernels
