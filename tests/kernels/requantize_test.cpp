#include "coppice/kernels/requantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/kernels/quantize.h"

namespace coppice::kernels {
namespace {

constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
constexpr int32_t kMax = std::numeric_limits<int32_t>::max();

TEST(Requantize, HighMultiplyByHand) {
  EXPECT_EQ(doubling_high_multiply(kMin, kMin), kMax);
  EXPECT_EQ(doubling_high_multiply(1 << 30, 3), 2);    // 1.5 up
  EXPECT_EQ(doubling_high_multiply(1 << 30, -3), -1);  // -1.5 up
  EXPECT_EQ(doubling_high_multiply(kMin, kMax), -kMax);
  EXPECT_EQ(doubling_high_multiply(0, kMax), 0);
}

TEST(Requantize, RoundingDivideByHand) {
  EXPECT_EQ(rounding_divide_by_power(5, 1), 3);    // 2.5 away from zero
  EXPECT_EQ(rounding_divide_by_power(-5, 1), -3);  // -2.5 away from zero
  EXPECT_EQ(rounding_divide_by_power(-6, 2), -2);  // -1.5
  EXPECT_EQ(rounding_divide_by_power(5, 2), 1);
  EXPECT_EQ(rounding_divide_by_power(-7, 0), -7);
  EXPECT_EQ(rounding_divide_by_power(kMax, 31), 1);
  EXPECT_EQ(rounding_divide_by_power(kMin, 31), -1);
}

TEST(Requantize, MultiplierOfScale) {
  EXPECT_EQ(quantize_multiplier(0.5), (QuantizedMultiplier{1 << 30, 0}));
  EXPECT_EQ(quantize_multiplier(1.0), (QuantizedMultiplier{1 << 30, 1}));
  EXPECT_EQ(quantize_multiplier(0.75), (QuantizedMultiplier{3 << 29, 0}));
  EXPECT_EQ(quantize_multiplier(0.0), QuantizedMultiplier{});
  EXPECT_EQ(quantize_multiplier(std::ldexp(1.0, -40)), QuantizedMultiplier{});
  // The mantissa rounds up to 2^31 and carries into the exponent.
  EXPECT_EQ(quantize_multiplier(1.0 - std::ldexp(1.0, -40)), (QuantizedMultiplier{1 << 30, 1}));
}

TEST(Requantize, MultiplierIsNearest) {
  Random random(11, "scales");
  for (uint64_t i = 0; i < 20000; ++i) {
    const double scale =
        std::ldexp(0.5 + 0.5 * random.uniform(), static_cast<int>(random.below(58)) - 30);
    const auto q = quantize_multiplier(scale);
    int exponent = 0;
    auto expected = std::llround(std::frexp(scale, &exponent) * 2147483648.0);
    if (expected == (1LL << 31)) expected /= 2, ++exponent;
    ASSERT_EQ(q.multiplier, expected) << scale;
    ASSERT_EQ(q.shift, exponent) << scale;
  }
}

__extension__ typedef __int128 Wide;

// The exact product as a rational, rounded by other means than the kernels'.
int64_t floor_divide(Wide a, Wide b) {
  const Wide quotient = a / b;
  return static_cast<int64_t>(a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient);
}

TEST(Requantize, ModesAgainstWideArithmetic) {
  Random random(12, "products");
  for (uint64_t i = 0; i < 50000; ++i) {
    const auto value = static_cast<int32_t>(random.bits()) >> random.below(20);
    const auto multiplier = static_cast<int32_t>((1u << 30) + random.below(1u << 30));
    const int shift = -static_cast<int>(i % 32);
    const Wide product = static_cast<Wide>(value) * multiplier;
    const Wide unit = static_cast<Wide>(1) << (31 - shift);
    ASSERT_EQ(multiply_single(value, multiplier, shift),
              floor_divide(2 * product + unit, 2 * unit));
    const Wide high = floor_divide(2 * product + (Wide{1} << 31), Wide{1} << 32);
    const Wide divisor = Wide{1} << -shift;
    const Wide magnitude = high < 0 ? -high : high;
    const int64_t half_away = floor_divide(2 * magnitude + divisor, 2 * divisor);
    ASSERT_EQ(multiply_double(value, multiplier, shift), high < 0 ? -half_away : half_away);
  }
}

TEST(Requantize, DoubleAndSingleDifferWhereTheyShould) {
  // 2^30 * 2^-31 * x, then halved: 0.5 * x rounded to an integer first, then divided by 2.
  EXPECT_EQ(multiply_double(5, 1 << 30, -1), 2);    // 2.5 -> 3 -> 1.5 -> 2
  EXPECT_EQ(multiply_single(5, 1 << 30, -1), 1);    // 1.25 -> 1
  EXPECT_EQ(multiply_double(-6, 1 << 30, -1), -2);  // -3 -> -1.5 -> -2
  EXPECT_EQ(multiply_single(-6, 1 << 30, -1), -1);  // -1.5 -> -1
}

TEST(Requantize, FloatRoundsHalvesToEvenAndClamps) {
  const float scale[] = {0.5f, 100.0f};
  const Requantize to{
      .rounding = Rounding::kFloat, .scale = scale, .zero = 3, .min = -20, .max = 120};
  EXPECT_EQ(finish(to, 0, 5), 2 + 3);    // 2.5 -> 2
  EXPECT_EQ(finish(to, 0, 7), 4 + 3);    // 3.5 -> 4
  EXPECT_EQ(finish(to, 0, -5), -2 + 3);  // -2.5 -> -2
  EXPECT_EQ(finish(to, 1, kMax), 120);
  EXPECT_EQ(finish(to, 1, kMin), -20);
}

TEST(Requantize, RowEqualsSingleElements) {
  constexpr int kCount = 67;
  Random random(13, "row");
  std::vector<int32_t> multiplier(kCount), shift(kCount), accumulator(kCount);
  std::vector<float> scale(kCount);
  for (uint64_t c = 0; c < kCount; ++c) {
    const double real =
        std::ldexp(0.5 + 0.5 * random.uniform(), -static_cast<int>(random.below(12)));
    const auto q = quantize_multiplier(real);
    multiplier[c] = q.multiplier;
    shift[c] = q.shift;
    scale[c] = static_cast<float>(real);
    accumulator[c] = static_cast<int32_t>(random.bits()) >> 16;
  }
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat}) {
    for (const int step : {0, 1}) {
      const Requantize to{rounding, multiplier.data(), shift.data(), scale.data(), step, -7, -100,
                          90};
      std::vector<int8_t> row(kCount);
      finish_row(to, 0, kCount, accumulator.data(), row.data());
      for (int c = 0; c < kCount; ++c)
        EXPECT_EQ(row[static_cast<size_t>(c)], finish(to, c, accumulator[static_cast<size_t>(c)]));
    }
  }
}

TEST(Quantize, RoundsHalvesAwayAndClamps) {
  EXPECT_EQ(quantize_value(1.25f, 0.5f, 0, -128, 127), 3);
  EXPECT_EQ(quantize_value(-1.25f, 0.5f, 10, -128, 127), 7);
  EXPECT_EQ(quantize_value(1e30f, 0.5f, 10, -128, 127), 127);
  EXPECT_EQ(quantize_value(-1e30f, 0.5f, 10, -128, 127), -128);
  EXPECT_EQ(quantize_value(std::nanf(""), 0.5f, 10, -128, 127), -128);
  EXPECT_EQ(dequantize_value(7, 0.5f, 10), -1.5f);
}

}  // namespace
}  // namespace coppice::kernels
