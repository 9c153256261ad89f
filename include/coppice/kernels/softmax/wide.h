#pragma once

#include <cmath>
#include <cstdint>

#include "coppice/kernels/softmax/softmax.h"

namespace coppice::kernels {

/// A function on [low, high] at 513 places in Q0.15, between which a lookup interpolates: TFLite's
/// 16-bit tables.
struct InterpolatedTable {
  static constexpr int kPlaces = 513;
  int16_t values[kPlaces];

  template <class Function>
  InterpolatedTable(const Function& function, double low, double high) {
    const auto steps = [&](double at) { return std::round(function(at) * 32768.0); };
    const double step = (high - low) / (kPlaces - 1);
    for (int i = 0; i < kPlaces; ++i) {
      const double here = steps(low + i * step);
      double bias = 0.0;
      if (i + 1 < kPlaces) {  // Half the error in the middle of the straight line.
        const double middle = std::round((function(low + (i + 1) * step) * 32768.0 + here) / 2.0);
        bias = std::round((middle - steps(low + i * step + step / 2.0)) / 2.0);
      }
      const double value = here - bias;
      values[i] = static_cast<int16_t>(value > 32767.0 ? 32767.0 : value);
    }
  }

  /// `place` -32768 is the low end, 32767 just below the high one.
  int16_t at(int16_t place) const {
    const int index = 256 + (place >> 7);
    const int slope = static_cast<int16_t>(values[index + 1] - values[index]);
    return static_cast<int16_t>(values[index] + ((slope * (place & 0x7f) + 64) >> 7));
  }
};

/// The tables of a softmax of int16: e^x on [-10, 0] and 1 / (1 + x) on [0, 1].
struct SoftmaxTables {
  InterpolatedTable exponential{[](double x) { return std::exp(x); }, -10.0, 0.0};
  InterpolatedTable reciprocal{[](double x) { return 1.0 / (1.0 + x); }, 0.0, 1.0};
};

}  // namespace coppice::kernels
