#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/simd/inline.h"
#include "kernels/simd/stage.h"

// kernels/requantize.h for vectors of the traits type T, bit for bit. A stage is applied to sums in
// two steps: apply() with the constants of a group of T::kLanes channels, then Finish::bytes().

namespace coppice::kernels::simd {

/// Rounding::kFloat. The packer has proved that no product leaves the range of int32.
template <class T>
struct FloatStage {
  static constexpr StageKind kKind = StageKind::kFloat;
  typename T::Float scale;

  static COPPICE_INLINE FloatStage load(const std::byte* group, const StageHeader&) {
    return {T::load_floats(group)};
  }
  COPPICE_INLINE typename T::Int apply(typename T::Int sum) const {
    return T::round_float(T::multiply(T::to_float(sum), scale));
  }
};

/// Rounding::kSingle; Rounding::kDouble too where no negative value survives the clamp. With both
/// of its roundings towards plus infinity, floor((floor((p + 2^30) / 2^31) + 2^(e-1)) / 2^e) is
/// floor((p + 2^30 + 2^(30+e)) / 2^(31+e)): nested floors are one. For the same reason the division
/// is that by 2^32, which takes upper halves, and then one in 32 bits; a factor too large for that
/// (1/2 and more) has its sum doubled first.
template <class T>
struct ShiftStage {
  static constexpr StageKind kKind = StageKind::kShift;
  using Int = typename T::Int;
  Int multiplier, left, exponent, addend_even, addend_odd;
  bool shifts_left;

  static COPPICE_INLINE ShiftStage load(const std::byte* group, const StageHeader& header) {
    constexpr int kBytes = T::kBytes;
    return {T::load(group),
            T::load(group + kBytes),
            T::load(group + 2 * kBytes),
            T::load(group + 3 * kBytes),
            T::load(group + 4 * kBytes),
            header.shifts_left != 0};
  }
  COPPICE_INLINE Int apply(Int sum) const {
    if (shifts_left) sum = T::shift_left32(sum, left);
    const Int even = T::add64(T::multiply_even(sum, multiplier), addend_even);
    const Int odd =
        T::add64(T::multiply_even(T::odd_to_even(sum), T::odd_to_even(multiplier)), addend_odd);
    return T::shift_right32(T::interleave_odd(even, odd), exponent);
  }
};

/// (a * b + 2^30) >> 31, the rounding doubling high multiply. No lane is -2^31 in both.
template <class T>
COPPICE_INLINE typename T::Int doubling_high_multiply(typename T::Int a, typename T::Int b) {
  if constexpr (requires { T::doubling_high_multiply(a, b); }) {
    return T::doubling_high_multiply(a, b);
  } else {
    const auto round = T::all64(int64_t{1} << 30);
    const auto even = T::add64(T::multiply_even(a, b), round);
    const auto odd = T::add64(T::multiply_even(T::odd_to_even(a), T::odd_to_even(b)), round);
    return T::merge_odd(T::template shift_right64<31>(even), T::add64(odd, odd));
  }
}

/// Rounding::kDouble: the second rounding takes halves away from zero, that is one less below zero.
template <class T>
struct TwiceStage {
  static constexpr StageKind kKind = StageKind::kTwice;
  using Int = typename T::Int;
  Int multiplier, left, sign_shift, half, exponent;
  bool shifts_left;

  static COPPICE_INLINE TwiceStage load(const std::byte* group, const StageHeader& header) {
    constexpr int kBytes = T::kBytes;
    return {T::load(group),
            T::load(group + kBytes),
            T::load(group + 2 * kBytes),
            T::load(group + 3 * kBytes),
            T::load(group + 4 * kBytes),
            header.shifts_left != 0};
  }
  COPPICE_INLINE Int apply(Int sum) const {
    // The sum's sign is that of the first product, but for -1 * 2^30 / 2^31, which rounds to 0:
    // (0 + half) >> e is then 0 with and without the correction.
    const Int negative = T::logical_shift_right32(sum, sign_shift);
    if (shifts_left) sum = T::shift_left32(sum, left);
    const Int once = doubling_high_multiply<T>(sum, multiplier);
    return T::shift_right32(T::sub32(T::add32(once, half), negative), exponent);
  }
};

/// Zero point, clamp and narrowing to uint8.
template <class T>
struct Finish {
  using Int = typename T::Int;
  Int zero, min, max;
  bool saturates;

  static COPPICE_INLINE Finish load(const StageHeader& header) {
    return {T::all16(header.zero), T::all8(header.min), T::all8(header.max), header.saturates != 0};
  }
  /// Four vectors to bytes, in the order of T::pack8 of T::pack16.
  COPPICE_INLINE Int bytes(Int a, Int b, Int c, Int d) const {
    const Int low = T::pack16(a, b), high = T::pack16(c, d);
    if (saturates) return T::pack8(low, high);
    const Int packed = T::pack8(T::add_saturated16(low, zero), T::add_saturated16(high, zero));
    return T::min8(T::max8(packed, min), max);
  }
};

}  // namespace coppice::kernels::simd
