#pragma once

#include <cstdint>
#include <type_traits>

#include "coppice/kernels/pool/pool.h"

namespace coppice::kernels {

/// sum / count: to the nearest integer, halves away from zero (TFLite), or in float.
constexpr int32_t pool_mean(int32_t sum, int count) {
  return sum >= 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}
constexpr float pool_mean(float sum, int count) { return sum / static_cast<float>(count); }

/// Average pooling, the specification, for int8, int16 and float. Padding does not count.
template <class T>
void avg_pool2d_ref(const PoolParams<T>& p, const T* x, T* y) {
  using Accumulator = std::conditional_t<std::is_same_v<T, float>, float, int32_t>;
  Accumulator sum[kRowChannels];
  for (int out = 0; out < p.window.out_h * p.window.out_w; ++out) {
    for (int first = 0; first < p.channels; first += kRowChannels) {
      const int count = p.channels - first < kRowChannels ? p.channels - first : kRowChannels;
      for (int c = 0; c < count; ++c) sum[c] = Accumulator{0};
      int pixels = 0;
      for_each_tap(p.window, out / p.window.out_w, out % p.window.out_w, [&](int, int pixel) {
        ++pixels;
        for (int c = 0; c < count; ++c) sum[c] += x[pixel * p.channels + first + c];
      });
      for (int c = 0; c < count; ++c) {
        const Accumulator mean = pool_mean(sum[c], pixels);
        const auto low = static_cast<Accumulator>(p.min);
        const auto high = static_cast<Accumulator>(p.max);
        y[out * p.channels + first + c] = static_cast<T>(mean < low    ? low
                                                         : mean > high ? high
                                                                       : mean);
      }
    }
  }
}

/// Maximum pooling, the specification, for int8, int16 and float. Padding does not count.
template <class T>
void max_pool2d_ref(const PoolParams<T>& p, const T* x, T* y) {
  for (int out = 0; out < p.window.out_h * p.window.out_w; ++out) {
    T* row = y + out * p.channels;
    for (int c = 0; c < p.channels; ++c) row[c] = p.min;
    for_each_tap(p.window, out / p.window.out_w, out % p.window.out_w, [&](int, int pixel) {
      const T* from = x + pixel * p.channels;
      for (int c = 0; c < p.channels; ++c) row[c] = from[c] > row[c] ? from[c] : row[c];
    });
    for (int c = 0; c < p.channels; ++c) row[c] = row[c] > p.max ? p.max : row[c];
  }
}

}  // namespace coppice::kernels
