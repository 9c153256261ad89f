#include "coppice/audio/maths.h"

#include <gtest/gtest.h>

#include <cmath>

#include "naive.h"

namespace coppice::audio {
namespace {

TEST(Maths, TablesOfSineAndCosineAreRight) {
  for (int n : {1, 2, 3, 7, 8, 30, 480, 1024}) {
    for (int k = -n; k <= 3 * n; ++k) {
      const double angle = 2 * kPi * k / n;
      // std::cos sees an angle that is itself rounded: 2^-53 of up to 6 pi.
      EXPECT_NEAR(cos_turn(k, n), std::cos(angle), 4e-15) << k << "/" << n;
      EXPECT_NEAR(sin_turn(k, n), std::sin(angle), 4e-15) << k << "/" << n;
    }
  }
  EXPECT_EQ(cos_turn(1, 4), 0.0);
  EXPECT_EQ(sin_turn(1, 4), 1.0);
  EXPECT_EQ(cos_turn(1, 2), -1.0);
}

TEST(Maths, TablesOfLogarithmExponentialAndRootAreRight) {
  for (double x : {1e-12, 0.3, 0.99, 1.0, 1.0001, 1.5, 2.0, 7.25, 700.0, 1e9}) {
    EXPECT_NEAR(table_log(x), std::log(x), 1e-15 * (1 + std::abs(std::log(x)))) << x;
    EXPECT_NEAR(table_sqrt(x) / std::sqrt(x), 1.0, 1e-15) << x;
  }
  for (double x : {-20.0, -3.3, -0.1, 0.0, 0.2, 1.0, 17.5}) {
    EXPECT_NEAR(table_exp(x) / std::exp(x), 1.0, 2e-14) << x;
  }
  for (double x = -6.25; x < 6.25; x += 0.37) EXPECT_NEAR(table_cos(x), std::cos(x), 1e-13) << x;
}

TEST(Maths, RunTimeLogarithmKeepsItsBound) {
  double largest = 0;
  for (float x = 1e-30f; x < 1e30f; x *= 1.0037f) {
    const double exact = std::log(static_cast<double>(x));
    const double error = std::abs(natural_log(x) - exact);
    const double ulp = std::ldexp(1.0, std::ilogb(static_cast<float>(exact)) - 23);
    EXPECT_LE(error, std::max(3 * ulp, 1.2e-7)) << x;
    largest = std::max(largest, error / std::max(ulp, 4e-8));
  }
  EXPECT_EQ(natural_log(1.0f), 0.0f);
  EXPECT_GT(largest, 0.0);
}

}  // namespace
}  // namespace coppice::audio
