#pragma once

#include <cstdint>

namespace coppice::kernels::simd {

// The last stage of an int8 layer as the vector kernels compute it (requantize.h), and how its
// constants lie in memory. Baseline code packs them (stage_pack.h), so this header has no
// functions.

enum class StageKind : int32_t {
  kFloat,  ///< round(sum * scale), halves to even.
  kShift,  ///< (sum * multiplier + addend) >> 32 in 64 bits, then >> exponent: one rounding.
  kTwice,  ///< Two roundings: by 2^31, then by 2^exponent with halves away from zero.
};

/// What one stage needs beside its channel constants.
struct StageHeader {
  StageKind kind = StageKind::kFloat;
  int32_t zero = 0;  ///< Of the uint8 output.
  int32_t min = 0;   ///< Clamp of the uint8 output.
  int32_t max = 255;
  int32_t saturates = 0;    ///< Zero and clamp are those of the saturation to [0, 255].
  int32_t shifts_left = 0;  ///< kShift, kTwice: some channel's `left` is not 0.
};

/// Constants of `lanes` channels, one after the other:
///   kFloat: float scale[lanes]
///   kShift: int32 multiplier[lanes], int32 left[lanes], int32 exponent[lanes], int64
///           addend[lanes]: first of the even channels, then of the odd
///   kTwice: int32 multiplier[lanes], int32 left[lanes], int32 sign_shift[lanes] (31, or 32 where
///           there is no second rounding), int32 half[lanes], int32 exponent[lanes]
constexpr int stage_bytes(StageKind kind, int lanes) {
  return lanes * (kind == StageKind::kFloat ? 4 : 20);
}

}  // namespace coppice::kernels::simd
