#pragma once

#include <cmath>
#include <cstdint>

namespace coppice::kernels {

/// The integer nearest to value / scale + zero, halves away from zero, clamped to [low, high].
inline int32_t quantize_value(float value, float scale, int32_t zero, int32_t low, int32_t high) {
  // Clamped before the conversion: a value far outside does not fit an integer. A NaN becomes low.
  const float steps = std::round(value / scale);
  if (!(steps > static_cast<float>(low - zero))) return low;
  if (steps > static_cast<float>(high - zero)) return high;
  return static_cast<int32_t>(steps) + zero;
}

/// The real number that an integer stands for.
inline float dequantize_value(int32_t value, float scale, int32_t zero) {
  return static_cast<float>(value - zero) * scale;
}

}  // namespace coppice::kernels
