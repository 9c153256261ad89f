#pragma once

#include <bit>
#include <cstdint>

/// Elementary functions of our own. A C library may round sin or log as it likes, and host and chip
/// have different ones; these are plain arithmetic, so tables and features have the same bits on
/// both (compile with -ffp-contract=off).
namespace coppice::audio {

inline constexpr double kPi = 3.14159265358979323846;
inline constexpr double kLn2 = 0.69314718055994530942;

/// cos(2 pi k / n) for n > 0. The angle is brought into [0, pi/4] in integers, so that no digit of
/// pi is lost; the Taylor series then ends below 1e-18. For tables: double is slow on a chip.
constexpr double cos_turn(int64_t k, int64_t n) {
  k = k % n;
  if (k < 0) k += n;
  int64_t half_turns = 2 * k;  // The angle is pi * half_turns / n.
  if (half_turns > n) half_turns = 2 * n - half_turns;
  const bool negative = 2 * half_turns > n;
  if (negative) half_turns = n - half_turns;
  const bool use_sine = 4 * half_turns > n;
  const double angle =
      use_sine ? kPi * static_cast<double>(n - 2 * half_turns) / static_cast<double>(2 * n)
               : kPi * static_cast<double>(half_turns) / static_cast<double>(n);
  double term = use_sine ? angle : 1.0;
  double sum = term;
  for (int i = use_sine ? 2 : 1; i < 20; i += 2) {
    term *= -angle * angle / static_cast<double>(i * (i + 1));
    sum += term;
  }
  return negative ? -sum : sum;
}

/// sin(2 pi k / n), as cos_turn.
constexpr double sin_turn(int64_t k, int64_t n) { return cos_turn(4 * k - n, 4 * n); }

/// cos(x) for x in radians, |x| <= 2 pi, within 1e-14; for tables of angles that are not exact
/// parts of a turn.
constexpr double table_cos(double x) {
  if (x < 0) x = -x;
  if (x > kPi) x = 2 * kPi - x;
  double term = 1.0;
  double sum = 1.0;
  for (int i = 1; i < 40; i += 2) {
    term *= -x * x / static_cast<double>(i * (i + 1));
    sum += term;
  }
  return sum;
}

/// Natural logarithm of x > 0, for tables: x = m 2^e with m in [sqrt(1/2), sqrt(2)], then
/// ln m = 2 atanh((m - 1) / (m + 1)).
constexpr double table_log(double x) {
  int exponent = 0;
  for (; x > 1.41421356237309504880; x *= 0.5) ++exponent;
  for (; x < 0.70710678118654752440; x *= 2.0) --exponent;
  const double z = (x - 1.0) / (x + 1.0);
  double power = z;
  double sum = 0.0;
  for (int i = 1; i < 26; i += 2) {
    sum += power / i;
    power *= z * z;
  }
  return exponent * kLn2 + 2.0 * sum;
}

/// e^x, for tables.
constexpr double table_exp(double x) {
  int exponent = 0;
  for (; x > 0.5 * kLn2; x -= kLn2) ++exponent;
  for (; x < -0.5 * kLn2; x += kLn2) --exponent;
  double term = 1.0;
  double sum = 1.0;
  for (int i = 1; i < 20; ++i) {
    term *= x / i;
    sum += term;
  }
  for (; exponent > 0; --exponent) sum *= 2.0;
  for (; exponent < 0; ++exponent) sum *= 0.5;
  return sum;
}

/// Square root of x >= 0, for tables (Newton).
constexpr double table_sqrt(double x) {
  double root = x > 1.0 ? x : 1.0;
  for (int i = 0; i < 64; ++i) root = 0.5 * (root + x / root);
  return root;
}

/// The integer nearest to x, halves upwards; floor(x + 0.5) of the usual table generators.
constexpr int64_t round_half_up(double x) {
  const double shifted = x + 0.5;
  const auto whole = static_cast<int64_t>(shifted);
  return static_cast<double>(whole) > shifted ? whole - 1 : whole;
}

/// Natural logarithm at run time for finite normal x > 0; within 3 ulp of the true value, or
/// 1.2e-7 absolute near x = 1. Branch-free, so that compilers vectorize loops over it.
constexpr float natural_log(float x) {
  // Subtracting the bits of sqrt(1/2) leaves the exponent of x relative to [sqrt(1/2), sqrt(2)).
  constexpr int32_t kRootHalf = 0x3f3504f3;
  const auto bits = std::bit_cast<int32_t>(x);
  const int32_t exponent = (bits - kRootHalf) >> 23;
  const auto mantissa = std::bit_cast<float>(bits - exponent * (1 << 23));
  const float z = (mantissa - 1.0f) / (mantissa + 1.0f);
  const float z2 = z * z;
  // atanh series; the next term is below 1e-9 of the first for |z| <= 0.1716.
  const float tail =
      z2 * (2.0f / 3.0f + z2 * (2.0f / 5.0f + z2 * (2.0f / 7.0f + z2 * (2.0f / 9.0f))));
  // ln 2 in two parts: the first has 9 trailing zero bits, so its product with an exponent is
  // exact.
  constexpr float kLn2High = 0.693145751953125f;
  constexpr float kLn2Low = 1.42860677e-6f;
  const auto e = static_cast<float>(exponent);
  return e * kLn2High + (2.0f * z + (z * tail + e * kLn2Low));
}

/// Correctly rounded square root of x >= 0. With -fno-math-errno it is one instruction.
inline float square_root(float x) { return __builtin_sqrtf(x); }

}  // namespace coppice::audio
