#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "coppice/kernels/requantize.h"

namespace coppice::kernels {

// Fixed-point exponential and reciprocal of gemmlowp (fixedpoint/fixedpoint.h), bit-exact. Qm.n is
// an int32 with m bits before and n = 31 - m behind the point; the product of Qa and Qb by
// doubling_high_multiply is Q(a+b).

/// value * 2^shift, saturated.
constexpr int32_t saturating_shift_left(int32_t value, int shift) {
  const int64_t wide = int64_t{value} * (int64_t{1} << shift);
  constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>(wide < kMin ? kMin : wide > kMax ? kMax : wide);
}

/// exp(a) in Q0.31 for a in [-1/4, 0), Q0.31: a Taylor polynomial of degree 4 around -1/8.
constexpr int32_t exp_on_quarter(int32_t a) {
  constexpr int32_t kExpOfMinusEighth = 1895147668;
  constexpr int32_t kOneThird = 715827883;
  const int32_t x = a + (1 << 28);  // a + 1/8
  const int32_t x2 = doubling_high_multiply(x, x);
  const int32_t x3 = doubling_high_multiply(x2, x);
  const int32_t x4 = doubling_high_multiply(x2, x2);
  const int32_t x4_over_4 = rounding_divide_by_power(x4, 2);
  // x^4/24 + x^3/6 + x^2/2
  const int32_t higher =
      rounding_divide_by_power(doubling_high_multiply(x4_over_4 + x3, kOneThird) + x2, 1);
  const int64_t sum =
      int64_t{kExpOfMinusEighth} + doubling_high_multiply(kExpOfMinusEighth, x + higher);
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>(sum > kMax ? kMax : sum);
}

/// exp(a) in Q0.31 for a <= 0 in Q5.26: the last quarter by polynomial, the rest bit by bit.
constexpr int32_t exp_on_negative(int32_t a) {
  constexpr int32_t kQuarter = 1 << 24;
  // exp(-2^k) for k = -2 .. 4, in Q0.31.
  constexpr int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308,
                                  39332535,   720401,     242};
  if (a == 0) return std::numeric_limits<int32_t>::max();
  const int32_t rest = (a & (kQuarter - 1)) - kQuarter;
  const int32_t remainder = rest - a;
  int32_t result = exp_on_quarter(saturating_shift_left(rest, 5));
  for (int k = 0; k < 7; ++k) {
    if ((remainder & (kQuarter << k)) != 0) result = doubling_high_multiply(result, kFactors[k]);
  }
  return result;
}

/// 1 / (1 + a) in Q0.31 for a in [0, 1), Q0.31: three Newton steps on the half denominator.
constexpr int32_t one_over_one_plus(int32_t a) {
  constexpr int32_t k48Over17 = 1515870810;        // Q2.29
  constexpr int32_t kMinus32Over17 = -1010580540;  // Q2.29
  constexpr int32_t kOne = 1 << 29;                // Q2.29
  const int64_t twice = int64_t{a} + std::numeric_limits<int32_t>::max();
  const auto half_denominator = static_cast<int32_t>((twice + 1) / 2);
  int32_t x = k48Over17 + doubling_high_multiply(half_denominator, kMinus32Over17);
  for (int step = 0; step < 3; ++step) {
    const int32_t error = kOne - doubling_high_multiply(half_denominator, x);
    x += saturating_shift_left(doubling_high_multiply(x, error), 2);
  }
  return saturating_shift_left(x, 1);  // x / 2 in Q1.30, to Q0.31
}

/// 1 / sum for a sum in Q(integer_bits): returns the Q0.31 mantissa and the right shift that goes
/// with it.
struct Reciprocal {
  int32_t mantissa = 0;
  int shift = 0;
};
constexpr Reciprocal reciprocal(int32_t sum, int integer_bits) {
  const int headroom = std::countl_zero(static_cast<uint32_t>(sum));
  const uint32_t normalized = static_cast<uint32_t>(sum) << headroom;
  return {one_over_one_plus(static_cast<int32_t>(normalized - (uint32_t{1} << 31))),
          integer_bits - headroom};
}

}  // namespace coppice::kernels
