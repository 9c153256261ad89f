#pragma once

#include <cstdint>

#include "coppice/kernels/requantize.h"

namespace coppice::kernels {

/// Softmax over the last axis. x: [rows, depth], y: [rows, depth]. int8 output has scale 1/256 and
/// zero point -128.
struct SoftmaxParams {
  int rows = 1;
  int depth = 1;
  int32_t multiplier = 0;  ///< Q31 factor that takes a difference of x, shifted, to Q5.26.
  int left_shift = 0;
  int32_t diff_min = 0;  ///< Differences below this (e^-31 and less) count as zero.
};

/// Bits before the point of the fixed-point argument of the exponential.
inline constexpr int kSoftmaxIntegerBits = 5;

/// Parameters for an input of this scale (TFLite's PreprocessSoftmaxScaling with beta 1).
constexpr SoftmaxParams make_softmax_params(int rows, int depth, float x_scale) {
  const double limit = 2147483647.0;
  double real = static_cast<double>(x_scale) * (1 << (31 - kSoftmaxIntegerBits));
  if (real > limit) real = limit;
  const QuantizedMultiplier by = quantize_multiplier(real);
  // Scales below 2^-26 would shift right; then all differences are zero to the precision of Q5.26.
  const int left = by.shift > 0 ? by.shift : 0;
  const int32_t multiplier = by.shift >= 0 ? by.multiplier : 0;
  const int64_t radius =
      (int64_t{(1 << kSoftmaxIntegerBits) - 1} << (31 - kSoftmaxIntegerBits)) >> left;
  return {rows, depth, multiplier, left, static_cast<int32_t>(-radius)};
}

/// Softmax of int16 over the last axis; the output has scale 1/32768 and zero point 0.
struct SoftmaxWideParams {
  int rows = 1;
  int depth = 1;  ///< Below 65536.
  Rounding rounding = Rounding::kDouble;
  QuantizedMultiplier scale;  ///< Takes a difference of x to steps of 10 / 65535.
};

/// Differences of 10 and more (e^-10 is 1.5 steps of the output) are one.
constexpr SoftmaxWideParams make_softmax_wide_params(int rows, int depth, float x_scale,
                                                     Rounding rounding) {
  return {rows, depth, rounding,
          quantize_multiplier(static_cast<double>(x_scale) / (10.0 / 65535.0))};
}

}  // namespace coppice::kernels
