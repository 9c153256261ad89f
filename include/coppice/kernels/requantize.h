#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "coppice/kernels/rounding.h"

namespace coppice::kernels {

/// Saturating rounding doubling high multiply of gemmlowp, Arm's SQRDMULH: round(a * b / 2^31),
/// halves towards plus infinity; the one overflow (both INT32_MIN) saturates.
constexpr int32_t doubling_high_multiply(int32_t a, int32_t b) {
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  if (a == kMin && b == kMin) return std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>((int64_t{a} * b + (int64_t{1} << 30)) >> 31);
}

/// round(value / 2^exponent), halves away from zero (gemmlowp RoundingDivideByPOT); 0 <= exponent
/// <= 31.
constexpr int32_t rounding_divide_by_power(int32_t value, int exponent) {
  const auto mask = static_cast<int32_t>((int64_t{1} << exponent) - 1);
  const int32_t remainder = value & mask;
  const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
  return (value >> exponent) + (remainder > threshold ? 1 : 0);
}

/// value * 2^shift in 32 bits; bits that leave at the top are lost, as on the chips.
constexpr int32_t shift_left(int32_t value, int shift) {
  return static_cast<int32_t>(static_cast<uint32_t>(value) << shift);
}

/// A positive real number as multiplier * 2^(shift - 31), multiplier in [2^30, 2^31) or 0.
struct QuantizedMultiplier {
  int32_t multiplier = 0;
  int shift = 0;  ///< Positive shifts left.
  friend bool operator==(const QuantizedMultiplier&, const QuantizedMultiplier&) = default;
};

/// The nearest QuantizedMultiplier of a scale, exactly as TFLite's QuantizeMultiplier computes it:
/// the mantissa rounded to 31 bits, halves up. Scales below 2^-32 become 0; scales of 2^30 and more
/// saturate (no kernel can use them).
constexpr QuantizedMultiplier quantize_multiplier(double scale) {
  if (!(scale > 0.0)) return {};
  const auto bits = std::bit_cast<uint64_t>(scale);
  const int exponent =
      static_cast<int>((bits >> 52) & 0x7ff) - 1022;  // scale = m * 2^exponent, m in [0.5, 1)
  const uint64_t mantissa = (bits & ((uint64_t{1} << 52) - 1)) | (uint64_t{1} << 52);
  const uint64_t rounded = (mantissa + (uint64_t{1} << 21)) >> 22;  // 53 bits to 31
  const bool carry = rounded == (uint64_t{1} << 31);
  const QuantizedMultiplier result{static_cast<int32_t>(carry ? rounded >> 1 : rounded),
                                   carry ? exponent + 1 : exponent};
  if (result.shift < -31) return {};
  if (result.shift > 30) return {std::numeric_limits<int32_t>::max(), 30};
  return result;
}

/// value * multiplier * 2^(shift - 31), rounded twice.
constexpr int32_t multiply_double(int32_t value, int32_t multiplier, int shift) {
  const int left = shift > 0 ? shift : 0;
  const int right = shift > 0 ? 0 : -shift;
  return rounding_divide_by_power(doubling_high_multiply(shift_left(value, left), multiplier),
                                  right);
}

/// value * multiplier * 2^(shift - 31), rounded once (halves towards plus infinity), saturated.
constexpr int32_t multiply_single(int32_t value, int32_t multiplier, int shift) {
  const int right = 31 - shift;  // 1 .. 62
  const int64_t product = int64_t{value} * multiplier + (int64_t{1} << (right - 1));
  const int64_t result = product >> right;
  constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>(result < kMin ? kMin : result > kMax ? kMax : result);
}

/// The integer modes by run-time value; for kFloat the caller has floats to multiply with.
constexpr int32_t multiply_quantized(Rounding rounding, int32_t value, QuantizedMultiplier by) {
  return rounding == Rounding::kSingle ? multiply_single(value, by.multiplier, by.shift)
                                       : multiply_double(value, by.multiplier, by.shift);
}

constexpr int32_t clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

/// The last stage of an int8 layer: accumulator to output, by channel. With channel_step 0 one
/// factor serves all channels. The double and single modes read multiplier and shift, the float
/// mode reads scale; what a mode does not read may be null.
struct Requantize {
  using Accumulator = int32_t;
  using Value = int8_t;

  Rounding rounding = Rounding::kDouble;
  const int32_t* multiplier = nullptr;  ///< Q31.
  const int32_t* shift = nullptr;       ///< Powers of two, positive to the left, -31 .. 30.
  const float* scale = nullptr;         ///< Input scale * weight scale / output scale.
  int channel_step = 1;
  int32_t zero = 0;    ///< Zero point of the output.
  int32_t min = -128;  ///< Clamp of the activation, in output integers.
  int32_t max = 127;
};

/// One accumulator in one mode.
template <Rounding kRounding>
constexpr int8_t requantize_as(const Requantize& to, int channel, int32_t accumulator) {
  const int k = channel * to.channel_step;
  if constexpr (kRounding == Rounding::kFloat) {
    const auto low = static_cast<float>(to.min - to.zero);
    const auto high = static_cast<float>(to.max - to.zero);
    float value = static_cast<float>(accumulator) * to.scale[k];
    value = value < low ? low : value;
    value = value > high ? high : value;
    // Adding 1.5 * 2^23 leaves the integer, rounded to nearest even, in the low bits of the float.
    constexpr float kMagic = 12582912.0f;
    constexpr int32_t kMagicBits = 0x4B400000;
    return static_cast<int8_t>(std::bit_cast<int32_t>(value + kMagic) - kMagicBits + to.zero);
  } else {
    const int32_t value = kRounding == Rounding::kSingle
                              ? multiply_single(accumulator, to.multiplier[k], to.shift[k])
                              : multiply_double(accumulator, to.multiplier[k], to.shift[k]);
    // The clamp moves to before the zero point, so that no sum can overflow.
    return static_cast<int8_t>(clamp(value, to.min - to.zero, to.max - to.zero) + to.zero);
  }
}

/// One accumulator of channel `channel`.
constexpr int8_t finish(const Requantize& to, int channel, int32_t accumulator) {
  switch (to.rounding) {
    case Rounding::kSingle:
      return requantize_as<Rounding::kSingle>(to, channel, accumulator);
    case Rounding::kFloat:
      return requantize_as<Rounding::kFloat>(to, channel, accumulator);
    case Rounding::kDouble:
      break;
  }
  return requantize_as<Rounding::kDouble>(to, channel, accumulator);
}

/// A Q31 multiplier in 15 bits, as TFLite and CMSIS-NN reduce it beside 64-bit sums.
constexpr int32_t reduce_multiplier(int32_t multiplier) {
  return multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
}

/// value * multiplier * 2^(shift - 31) for a sum below 2^47: the multiplier reduced to 15 bits, one
/// rounding, halves towards plus infinity (TFLite's MultiplyByQuantizedMultiplier of 64 bits).
/// Factors of 2^14 and more, where TFLite stops, need no rounding.
constexpr int64_t multiply_wide(int64_t value, int32_t multiplier, int shift) {
  const int64_t product = value * reduce_multiplier(multiplier);
  const int right = 15 - shift;
  if (right > 0) return (product + (int64_t{1} << (right - 1))) >> right;
  constexpr int64_t kFar = int64_t{1} << 32;  // Beyond any output, and safe to multiply on.
  return (product < -kFar ? -kFar : product > kFar ? kFar : product) * (int64_t{1} << -right);
}

/// The last stage of a layer with int16 activations, whose zero points are 0. There is one
/// requantize in the world for these sums, so it has no rounding mode.
struct RequantizeWide {
  using Accumulator = int64_t;
  using Value = int16_t;

  const int32_t* multiplier = nullptr;  ///< Q31.
  const int32_t* shift = nullptr;       ///< Powers of two, positive to the left, -31 .. 30.
  int channel_step = 1;
  int32_t min = -32768;  ///< Clamp of the activation, in output integers.
  int32_t max = 32767;
};

constexpr int16_t finish(const RequantizeWide& to, int channel, int64_t accumulator) {
  const int k = channel * to.channel_step;
  const int64_t value = multiply_wide(accumulator, to.multiplier[k], to.shift[k]);
  return static_cast<int16_t>(value < to.min ? to.min : value > to.max ? to.max : value);
}

/// The last stage of a float layer: the activation's clamp.
struct ClampFloat {
  using Accumulator = float;
  using Value = float;

  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
};

constexpr float finish(const ClampFloat& to, int /*channel*/, float accumulator) {
  return accumulator < to.min ? to.min : accumulator > to.max ? to.max : accumulator;
}

/// `count` accumulators of the channels from `channel` on; the mode is chosen once.
template <Rounding kRounding>
constexpr void requantize_row(const Requantize& to, int channel, int count,
                              const int32_t* accumulator, int8_t* y) {
  for (int i = 0; i < count; ++i) y[i] = requantize_as<kRounding>(to, channel + i, accumulator[i]);
}
constexpr void finish_row(const Requantize& to, int channel, int count, const int32_t* accumulator,
                          int8_t* y) {
  switch (to.rounding) {
    case Rounding::kSingle:
      return requantize_row<Rounding::kSingle>(to, channel, count, accumulator, y);
    case Rounding::kFloat:
      return requantize_row<Rounding::kFloat>(to, channel, count, accumulator, y);
    case Rounding::kDouble:
      break;
  }
  requantize_row<Rounding::kDouble>(to, channel, count, accumulator, y);
}
constexpr void finish_row(const RequantizeWide& to, int channel, int count,
                          const int64_t* accumulator, int16_t* y) {
  for (int i = 0; i < count; ++i) y[i] = finish(to, channel + i, accumulator[i]);
}
constexpr void finish_row(const ClampFloat& to, int channel, int count, const float* accumulator,
                          float* y) {
  for (int i = 0; i < count; ++i) y[i] = finish(to, channel + i, accumulator[i]);
}

}  // namespace coppice::kernels
