#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/kernels/add/reference.h"
#include "coppice/kernels/clamp/reference.h"
#include "coppice/kernels/concat/reference.h"
#include "coppice/kernels/pool/reference.h"
#include "coppice/kernels/softmax/reference.h"
#include "kernels/problem.h"

namespace coppice::kernels {
namespace {

using testing::kRoundings;
using testing::Problem;

TEST(Add, EveryPairIsWithinOneStepOfTheRealSum) {
  struct Scales {
    float a, b, y;
  };
  for (const Scales& scale :
       {Scales{0.1f, 0.1f, 0.21f}, {0.05f, 0.9f, 0.7f}, {3e-4f, 2e-5f, 3e-4f}, {1, 0.001f, 1.5f}}) {
    for (const Rounding rounding : kRoundings) {
      const AddParams p = make_add_params(1, rounding, scale.a, -5, scale.b, 17, scale.y, 3);
      int exact = 0, total = 0;
      for (int a = -128; a < 128; ++a) {
        for (int b = -128; b < 128; ++b) {
          const double real =
              (double{scale.a} * (a + 5) + double{scale.b} * (b - 17)) / double{scale.y};
          const double steps = std::min(127.0, std::max(-128.0, real + 3));
          const int8_t y = add_element(p, static_cast<int8_t>(a), static_cast<int8_t>(b));
          ASSERT_NEAR(y, steps, 0.501) << a << " " << b;
          exact += y == std::lround(steps) ? 1 : 0;
          ++total;
        }
      }
      EXPECT_GT(exact, total * 95 / 100);
    }
  }
}

TEST(Add, ActivationClampsAndFloat) {
  AddParams p = make_add_params(2, Rounding::kDouble, 1, 0, 1, 0, 1, 0);
  p.min = 0, p.max = 6;
  const int8_t a[] = {-3, 5}, b[] = {1, 4};
  int8_t y[2];
  add_ref(p, a, b, y);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 6);
  float u[] = {-3.0f, 5.0f};
  const float v[] = {1.0f, 4.0f};
  ClampFloat relu;
  relu.min = 0.0f;
  add_ref(2, relu, u, v, u);  // In place.
  EXPECT_EQ(u[0], 0.0f);
  EXPECT_EQ(u[1], 9.0f);
}

TEST(Concat, PlacesChannelsSideBySide) {
  const int8_t a[] = {1, 2, 3}, b[] = {10, 11, 20, 21, 30, 31};  // 3 pixels of 1 and 2 channels.
  int8_t y[9];
  concat_ref(3, 1, a, 0, 3, y);
  concat_ref(3, 2, b, 1, 3, y);
  EXPECT_EQ((std::vector<int>(y, y + 9)), (std::vector<int>{1, 10, 11, 2, 20, 21, 3, 30, 31}));
}

TEST(Clamp, KeepsWhatLiesBetween) {
  const int8_t x[] = {-128, -1, 0, 5, 127};
  int8_t y[5];
  clamp_ref<int8_t>(5, -1, 6, x, y);
  EXPECT_EQ((std::vector<int>(y, y + 5)), (std::vector<int>{-1, -1, 0, 5, 6}));
}

TEST(Pool, MeanRoundsHalvesAwayFromZero) {
  EXPECT_EQ(pool_mean(5, 2), 3);
  EXPECT_EQ(pool_mean(-5, 2), -3);
  EXPECT_EQ(pool_mean(7, 3), 2);
  EXPECT_EQ(pool_mean(-7, 3), -2);
  EXPECT_EQ(pool_mean(8, 3), 3);
  EXPECT_EQ(pool_mean(0, 9), 0);
}

TEST(Pool, AgainstTheDefinition) {
  for (const int channels : {1, 3, 64, 67}) {
    for (const int pad : {0, 1}) {
      const Window2D window{
          7, 6, (7 + 2 * pad - 3) / 2 + 1, (6 + 2 * pad - 2) / 2 + 1, 3, 2, 2, 2, 1, 1, pad, pad};
      const PoolParams<int8_t> p{window, channels, -120, 110};
      const auto x = Problem("pool").integers(7 * 6 * channels);
      std::vector<int8_t> mean(static_cast<size_t>(window.out_h * window.out_w * channels)),
          largest = mean;
      avg_pool2d_ref(p, x.data(), mean.data());
      max_pool2d_ref(p, x.data(), largest.data());
      for (int out = 0; out < window.out_h * window.out_w; ++out) {
        for (int c = 0; c < channels; ++c) {
          int sum = 0, count = 0, top = -128;
          for (int k = 0; k < 6; ++k) {
            const int iy = out / window.out_w * 2 - pad + k / 2,
                      ix = out % window.out_w * 2 - pad + k % 2;
            if (iy < 0 || iy >= 7 || ix < 0 || ix >= 6) continue;
            const int value = x[static_cast<size_t>((iy * 6 + ix) * channels + c)];
            sum += value, ++count, top = std::max(top, value);
          }
          const auto at = static_cast<size_t>(out * channels + c);
          EXPECT_EQ(mean[at],
                    clamp(static_cast<int32_t>(std::lround(double(sum) / count)), -120, 110));
          EXPECT_EQ(largest[at], clamp(top, -120, 110));
        }
      }
    }
  }
}

TEST(Pool, WholeImageInFloat) {
  const float x[] = {1, 10, 2, 20, 3, 30, 6, 40};  // 2x2 pixels of 2 channels.
  const PoolParams<float> p{whole_image(2, 2), 2, -1e30f, 1e30f};
  float y[2];
  avg_pool2d_ref(p, x, y);
  EXPECT_EQ(y[0], 3.0f);
  EXPECT_EQ(y[1], 25.0f);
  max_pool2d_ref(p, x, y);
  EXPECT_EQ(y[0], 6.0f);
  EXPECT_EQ(y[1], 40.0f);
}

TEST(FixedPoint, ExponentialAndReciprocal) {
  for (int64_t a = -(int64_t{1} << 31); a <= 0; a += 9973 * 7) {
    const double expected = std::exp(std::ldexp(static_cast<double>(a), -26));
    ASSERT_NEAR(std::ldexp(exp_on_negative(static_cast<int32_t>(a)), -31), expected, 3e-7) << a;
  }
  for (int64_t a = 0; a < (int64_t{1} << 31); a += 9973 * 7) {
    const double expected = 1.0 / (1.0 + std::ldexp(static_cast<double>(a), -31));
    ASSERT_NEAR(std::ldexp(one_over_one_plus(static_cast<int32_t>(a)), -31), expected, 1e-8) << a;
  }
}

TEST(Softmax, IntegersAreWithinOneStepOfTheRealOnes) {
  for (const int depth : {1, 2, 3, 12, 100, 700}) {
    for (const float scale : {1e-9f, 0.003f, 0.1f, 0.5f, 3.0f, 100.0f}) {
      const auto x = Problem(fmt::format("softmax {} {}", depth, scale)).integers(2 * depth);
      std::vector<int8_t> y(x.size());
      softmax_ref(make_softmax_params(2, depth, scale), x.data(), y.data());
      for (size_t row = 0; row < 2; ++row) {
        const auto* from = x.data() + row * static_cast<size_t>(depth);
        const int largest = *std::max_element(from, from + depth);
        double sum = 0;
        for (int i = 0; i < depth; ++i) sum += std::exp(double{scale} * (from[i] - largest));
        for (int i = 0; i < depth; ++i) {
          const double expected =
              std::min(255.0, 256.0 * std::exp(double{scale} * (from[i] - largest)) / sum);
          ASSERT_NEAR(y[row * static_cast<size_t>(depth) + static_cast<size_t>(i)] + 128, expected,
                      0.6)
              << depth << " " << scale;
        }
      }
    }
  }
}

TEST(Softmax, FloatSumsToOne) {
  const float x[] = {1000.0f, 1000.0f, -1000.0f, 0.0f, std::log(2.0f), std::log(5.0f)};
  float y[6];
  SoftmaxParams p;
  p.rows = 2;
  p.depth = 3;
  softmax_ref(p, x, y);
  EXPECT_FLOAT_EQ(y[0], 0.5f);
  EXPECT_EQ(y[2], 0.0f);
  EXPECT_FLOAT_EQ(y[3], 0.125f);
  EXPECT_FLOAT_EQ(y[5], 0.625f);
}

}  // namespace
}  // namespace coppice::kernels
