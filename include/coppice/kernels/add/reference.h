#pragma once

#include "coppice/kernels/add/add.h"

namespace coppice::kernels {

/// One output of the int8 or int16 sum.
template <class T>
constexpr T add_element(const AddParams& p, T a, T b) {
  int32_t sum = 0;
  if (p.rounding == Rounding::kFloat) {
    const int64_t half = int64_t{1} << (p.right_shift - 1);
    const int64_t exact = int64_t{a - p.a_zero} * p.a_factor + int64_t{b - p.b_zero} * p.b_factor;
    sum = static_cast<int32_t>((exact + half + p.nudge) >> p.right_shift);
  } else {
    const int32_t a_scaled =
        multiply_quantized(p.rounding, shift_left(a - p.a_zero, p.left_shift), p.a);
    const int32_t b_scaled =
        multiply_quantized(p.rounding, shift_left(b - p.b_zero, p.left_shift), p.b);
    sum = multiply_quantized(p.rounding, a_scaled + b_scaled, p.y);
  }
  return static_cast<T>(clamp(sum, p.min - p.y_zero, p.max - p.y_zero) + p.y_zero);
}

/// Elementwise int8 or int16 sum, the specification. y may be a or b.
template <class T>
void add_ref(const AddParams& p, const T* a, const T* b, T* y) {
  for (int i = 0; i < p.count; ++i) y[i] = add_element(p, a[i], b[i]);
}

/// Elementwise float sum with the activation's clamp. y may be a or b.
inline void add_ref(int count, const ClampFloat& to, const float* a, const float* b, float* y) {
  for (int i = 0; i < count; ++i) y[i] = finish(to, 0, a[i] + b[i]);
}

}  // namespace coppice::kernels
