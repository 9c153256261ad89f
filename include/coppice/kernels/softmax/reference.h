#pragma once

#include <bit>
#include <cmath>

#include "coppice/kernels/softmax/fixed_point.h"
#include "coppice/kernels/softmax/softmax.h"
#include "coppice/kernels/softmax/wide.h"

namespace coppice::kernels {

/// int8 softmax in fixed point, the specification: TFLite's and CMSIS-NN's reference. One
/// definition for every rounding mode. depth < 4096, else the sum overflows.
inline void softmax_ref(const SoftmaxParams& p, const int8_t* x, int8_t* y) {
  constexpr int kSumIntegerBits = 12;  // 4096 terms of at most 1 do not overflow.
  for (int row = 0; row < p.rows; ++row, x += p.depth, y += p.depth) {
    int32_t largest = x[0];
    for (int i = 1; i < p.depth; ++i) largest = x[i] > largest ? x[i] : largest;
    const auto exponential = [&](int32_t diff) {
      return exp_on_negative(doubling_high_multiply(shift_left(diff, p.left_shift), p.multiplier));
    };
    int32_t sum = 0;
    for (int i = 0; i < p.depth; ++i) {
      const int32_t diff = x[i] - largest;
      if (diff >= p.diff_min) sum += rounding_divide_by_power(exponential(diff), kSumIntegerBits);
    }
    const Reciprocal scale = reciprocal(sum, kSumIntegerBits);
    for (int i = 0; i < p.depth; ++i) {
      const int32_t diff = x[i] - largest;
      int32_t value = 0;
      if (diff >= p.diff_min) {
        // Q0.31 to 1/256ths: 31 - 8 bits, and those of the reciprocal. Beyond 31 all round to 0.
        const int shift = scale.shift + 31 - 8;
        const int32_t product = doubling_high_multiply(scale.mantissa, exponential(diff));
        value = shift > 31 ? 0 : rounding_divide_by_power(product, shift);
      }
      y[i] = static_cast<int8_t>(clamp(value - 128, -128, 127));
    }
  }
}

/// int16 softmax by tables, the specification: TFLite's and CMSIS-NN's reference. y may be x.
inline void softmax_ref(const SoftmaxWideParams& p, const SoftmaxTables& tables, const int16_t* x,
                        int16_t* y) {
  for (int row = 0; row < p.rows; ++row, x += p.depth, y += p.depth) {
    int32_t largest = x[0];
    for (int i = 1; i < p.depth; ++i) largest = x[i] > largest ? x[i] : largest;
    int32_t sum = 0;  // Q16.15
    for (int i = 0; i < p.depth; ++i) {
      const int32_t place = multiply_quantized(p.rounding, x[i] - largest, p.scale) + 32767;
      y[i] = tables.exponential.at(static_cast<int16_t>(clamp(place, -32768, 32767)));
      sum += y[i];
    }
    // The sum as 2^(16 - headroom) * (1 + z), z in Q0.16 and then from the middle of its range.
    const int headroom = std::countl_zero(static_cast<uint32_t>(sum)) - 1;
    const auto mantissa = static_cast<int32_t>(((int64_t{sum} << headroom) + (1 << 13)) >> 14);
    const int32_t place = clamp(mantissa - 3 * (1 << 15), -32768, 32767);
    const int32_t reciprocal = tables.reciprocal.at(static_cast<int16_t>(place));
    const int right = 30 - headroom;
    for (int i = 0; i < p.depth; ++i) {
      const int32_t value = (y[i] * reciprocal + (1 << (right - 1))) >> right;
      y[i] = static_cast<int16_t>(clamp(value, 0, 32767));
    }
  }
}

/// Float softmax; reads rows and depth of the parameters. y may be x.
inline void softmax_ref(const SoftmaxParams& p, const float* x, float* y) {
  for (int row = 0; row < p.rows; ++row, x += p.depth, y += p.depth) {
    float largest = x[0];
    for (int i = 1; i < p.depth; ++i) largest = x[i] > largest ? x[i] : largest;
    float sum = 0.0f;
    for (int i = 0; i < p.depth; ++i) {
      y[i] = std::exp(x[i] - largest);
      sum += y[i];
    }
    for (int i = 0; i < p.depth; ++i) y[i] /= sum;
  }
}

}  // namespace coppice::kernels
