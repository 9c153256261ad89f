#pragma once

#include <cstddef>

#include "coppice/kernels/fully_connected/fully_connected.h"

namespace coppice::kernels {

/// Fully connected layer, the specification. `to` is Requantize (int8 x and y, int32 bias),
/// RequantizeWide (int16 x and y, int64 bias and sums) or ClampFloat (all float). `w` is indexed: a
/// pointer or PackedWeights. Each sum starts at the bias and takes the inputs in order.
template <class Output, class Weights>
void fully_connected_ref(const FullyConnectedParams& p, const Output& to,
                         const typename Output::Value* x, const Weights& w,
                         const typename Output::Accumulator* bias, typename Output::Value* y) {
  using Accumulator = typename Output::Accumulator;
  const auto x_zero = static_cast<Accumulator>(p.x_zero);
  const auto w_zero = static_cast<Accumulator>(p.w_zero);
  for (int o = 0; o < p.out_features; ++o) {
    Accumulator sum = bias != nullptr ? bias[o] : Accumulator{0};
    for (int i = 0; i < p.in_features; ++i) {
      const auto weight = static_cast<Accumulator>(w[static_cast<size_t>(o * p.in_features + i)]);
      sum += (static_cast<Accumulator>(x[i]) - x_zero) * (weight - w_zero);
    }
    y[o] = finish(to, o, sum);
  }
}

}  // namespace coppice::kernels
