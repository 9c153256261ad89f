#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "coppice/kernels/image_ops.h"

namespace coppice::kernels {
namespace {

constexpr int kValues = 256;

double value_of(const QuantizedMultiplier& by) { return std::ldexp(by.multiplier, by.shift - 31); }

/// The outputs of all pairs, [a][b], as uint8.
std::vector<uint8_t> all_sums(const ImageOpsU8& ops, const AddParams& p) {
  std::vector<uint8_t> sums(kValues * kValues + kImageSlack);
  uint8_t a[kValues + kImageSlack] = {}, b[kValues + kImageSlack] = {};
  for (int i = 0; i < kValues; ++i) b[i] = static_cast<uint8_t>(i);
  for (int i = 0; i < kValues; ++i) {
    std::fill_n(a, kValues, static_cast<uint8_t>(i));
    ops.add({1, 1, kValues}, p, {a, kValues, kValues}, {b, kValues, kValues},
            {&sums[size_t{kValues} * static_cast<size_t>(i)], kValues, kValues});
  }
  return sums;
}

/// Sets the nudge with which the factors of `to` give these sums; false if there is none. Inputs
/// and outputs are uint8: int8 ^ 0x80.
bool fit(const std::vector<uint8_t>& sums, AddParams& to) {
  const auto shift = static_cast<uint32_t>(to.right_shift);
  const int min = to.min + 128, max = to.max + 128;
  // What the products lack to reach an output, at least and at most. The differences fit 32 bits
  // where the parts of them wrap around.
  int32_t least = std::numeric_limits<int32_t>::min(), most = std::numeric_limits<int32_t>::max();
  for (int a = 0; a < kValues; ++a) {
    const uint8_t* row = &sums[size_t{kValues} * static_cast<size_t>(a)];
    const uint32_t of_a = static_cast<uint32_t>((a - 128 - to.a_zero) * to.a_factor);
    for (int b = 0; b < kValues; ++b) {
      const uint32_t products = of_a + static_cast<uint32_t>((b - 128 - to.b_zero) * to.b_factor);
      const auto steps = static_cast<uint32_t>(row[b] - 128 - to.y_zero);
      const auto low = static_cast<int32_t>((steps << shift) - products);
      const auto high = static_cast<int32_t>(((steps + 1) << shift) - 1 - products);
      least = row[b] > min ? std::max(least, low) : least;
      most = row[b] < max ? std::min(most, high) : most;
    }
  }
  if (least > most) return false;
  const int32_t half = int32_t{1} << (to.right_shift - 1);
  to.nudge = static_cast<int32_t>((int64_t{least} + most) / 2) - half;
  return true;
}

/// The largest shift with which no sum leaves 32 bits.
int shift_for(const AddParams& p, double a_ratio, double b_ratio) {
  const auto largest = [](double ratio, int zero) {
    return ratio * std::max(zero + 128, 127 - zero);
  };
  // With the half that rounds, and room for a nudge.
  const double sum = largest(a_ratio, p.a_zero) + largest(b_ratio, p.b_zero) + 2.0;
  return 31 - static_cast<int>(std::ceil(std::log2(sum)));
}

}  // namespace

std::optional<AddParams> add_by_factors(const ImageOpsU8& ops, const AddParams& p) {
  if (p.rounding == Rounding::kFloat) return p;
  const double to_output = std::ldexp(value_of(p.y), p.left_shift);
  const double a_ratio = value_of(p.a) * to_output, b_ratio = value_of(p.b) * to_output;
  AddParams result = p;
  result.rounding = Rounding::kFloat;
  result.right_shift = shift_for(p, a_ratio, b_ratio);
  if (result.right_shift < 1) return std::nullopt;
  const std::vector<uint8_t> sums = all_sums(ops, p);
  const auto a_factor = static_cast<int32_t>(std::lround(std::ldexp(a_ratio, result.right_shift)));
  const auto b_factor = static_cast<int32_t>(std::lround(std::ldexp(b_ratio, result.right_shift)));
  for (const int a : {0, -1, 1}) {
    for (const int b : {0, -1, 1}) {
      result.a_factor = a_factor + a;
      result.b_factor = b_factor + b;
      if (result.a_factor >= 0 && result.b_factor >= 0 && fit(sums, result)) return result;
    }
  }
  return std::nullopt;
}

}  // namespace coppice::kernels
