#pragma once

#include <cstdint>

#include "coppice/kernels/requantize.h"

namespace coppice::kernels {

/// Both inputs are scaled up by so many bits before they are rounded to a common scale.
inline constexpr int kAddLeftShift = 20;
inline constexpr int kAddLeftShiftWide = 15;  ///< Of int16.

/// Elementwise int8 or int16 sum of two tensors of `count` elements, each with its own scale. Made
/// by make_add_params; the fields of the two families of modes differ.
struct AddParams {
  int count = 1;
  Rounding rounding = Rounding::kDouble;
  int32_t a_zero = 0, b_zero = 0, y_zero = 0;
  int32_t min = -128, max = 127;  ///< Clamp of the activation, in output integers.
  /// Double and single: factors of TFLite's ADD, and the spare bits on both inputs.
  QuantizedMultiplier a, b, y;
  int left_shift = kAddLeftShift;
  /// Float: XNNPACK's qs8 add, which is integer: 21-bit multipliers and one rounding shift.
  int32_t a_factor = 0, b_factor = 0;
  int right_shift = 0;
  int32_t nudge = 0;  ///< Added before the shift; see add_by_factors().
};

/// Scales are those of the tensors, all positive; `left_shift` kAddLeftShift or, for int16 (which
/// the float mode does not know), kAddLeftShiftWide.
constexpr AddParams make_add_params(int count, Rounding rounding, float a_scale, int32_t a_zero,
                                    float b_scale, int32_t b_zero, float y_scale, int32_t y_zero,
                                    int left_shift = kAddLeftShift) {
  AddParams p;
  p.count = count;
  p.rounding = rounding;
  p.a_zero = a_zero;
  p.b_zero = b_zero;
  p.y_zero = y_zero;
  p.left_shift = left_shift;
  if (rounding == Rounding::kFloat) {
    const float a_ratio = a_scale / y_scale;
    const float b_ratio = b_scale / y_scale;
    const float larger = a_ratio > b_ratio ? a_ratio : b_ratio;
    const int exponent = static_cast<int>(std::bit_cast<uint32_t>(larger) >> 23) - 127;
    p.right_shift = clamp(20 - exponent, 1, 31);  // The larger factor has 21 bits.
    const double unit = static_cast<double>(int64_t{1} << p.right_shift);
    const auto nearest_even = [](double value) {
      const auto floor = static_cast<int64_t>(value);
      const double rest = value - static_cast<double>(floor);
      return static_cast<int32_t>(floor + (rest > 0.5 || (rest == 0.5 && floor % 2 != 0) ? 1 : 0));
    };
    p.a_factor = nearest_even(a_ratio * unit);
    p.b_factor = nearest_even(b_ratio * unit);
    return p;
  }
  const double twice = 2.0 * static_cast<double>(a_scale > b_scale ? a_scale : b_scale);
  p.a = quantize_multiplier(static_cast<double>(a_scale) / twice);
  p.b = quantize_multiplier(static_cast<double>(b_scale) / twice);
  p.y = quantize_multiplier(twice / ((int64_t{1} << left_shift) * static_cast<double>(y_scale)));
  return p;
}

}  // namespace coppice::kernels
