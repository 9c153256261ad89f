#include "coppice/quant/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/core/random.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "train/memory_dataset.h"

namespace coppice::quant {
namespace {

Range range_of(std::string_view name, const std::vector<float>& values, RangeOptions options = {},
               size_t chunk = 1000) {
  const auto calibrator = (*find_calibration(name))->make(options);
  for (size_t i = 0; i < values.size(); i += chunk) {
    calibrator->see({values.data() + i, std::min(chunk, values.size() - i)});
  }
  return calibrator->range();
}

// Mean squared error of quantizing the values to this range.
double error_of(const Range& range, int bits, const std::vector<float>& values) {
  const auto q = choose_activation(range, {bits});
  const auto integers = activation_integers(bits);
  double error = 0;
  for (const float value : values) {
    const double integer = std::clamp(std::round(double{value} / q.scale) + q.zero_point,
                                      double(integers.low), double(integers.high));
    error += std::pow(value - (integer - q.zero_point) * q.scale, 2);
  }
  return error / static_cast<double>(values.size());
}

// Normal values with one outlier in a thousand, six times as far out.
std::vector<float> heavy_tailed(int count) {
  Random random(1, "tails");
  std::vector<float> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(random.normal() * (i % 1000 == 999 ? 6.0f : 1.0f));
  }
  return values;
}

TEST(Calibration, ListsNamesAndFindsThem) {
  EXPECT_EQ(calibrations().size(), 6u);
  for (const Calibration& calibration : calibrations()) {
    EXPECT_FALSE(calibration.summary.empty());
    EXPECT_EQ(*find_calibration(calibration.name), &calibration);
    const auto calibrator = calibration.make({});
    EXPECT_EQ(calibrator->range().max, 0.0f);  // Nothing seen.
  }
  EXPECT_NE(find_calibration("percentil").error().message.find("did you mean \"percentile\""),
            std::string::npos);
}

TEST(Calibration, EveryRangeLiesWithinTheValuesAndHoldsMostOfThem) {
  const auto values = heavy_tailed(50000);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  for (const Calibration& calibration : calibrations()) {
    for (const int bits : {8, 4}) {
      const Range range = range_of(calibration.name, values, {bits});
      EXPECT_GE(range.min, *low) << calibration.name;
      EXPECT_LE(range.max, *high) << calibration.name;
      // Two sigma at least, but one: four bits give up more of the tails.
      EXPECT_LE(range.min, -1.0f) << calibration.name << bits;
      EXPECT_GE(range.max, 1.0f) << calibration.name << bits;
    }
  }
}

TEST(Calibration, MinMaxIsExactAlsoAboveZero) {
  EXPECT_EQ(range_of("minmax", {2.0f, 5.0f, 3.0f}, {}, 1).min, 2.0f);
  EXPECT_EQ(range_of("minmax", {2.0f, 5.0f, 3.0f}, {}, 1).max, 5.0f);
}

TEST(Calibration, MovingAverageIsTheMeanOfFewSamples) {
  const Range range = range_of("moving_average", {-1, 2, -3, 4, -5, 9}, {}, 2);
  EXPECT_FLOAT_EQ(range.min, -3.0f);
  EXPECT_FLOAT_EQ(range.max, 5.0f);
}

TEST(Calibration, PercentileLeavesThatManyOut) {
  std::vector<float> values;
  for (int i = 0; i < 100000; ++i) values.push_back(static_cast<float>(i) / 100000.0f);
  for (const float percentile : {90.0f, 99.0f}) {
    const Range range = range_of("percentile", values, {8, percentile});
    const float outside = (100.0f - percentile) / 200.0f;
    // Bins of 2 / 4096 at most.
    EXPECT_NEAR(range.min, outside, 5e-4f);
    EXPECT_NEAR(range.max, 1.0f - outside, 5e-4f);
  }
}

TEST(Calibration, DoesNotDependOnTheOrderOfSamples) {
  auto values = heavy_tailed(20000);
  for (const char* name : {"percentile", "mse", "kl", "aciq"}) {
    const Range forward = range_of(name, values);
    std::reverse(values.begin(), values.end());
    const Range backward = range_of(name, values);
    EXPECT_EQ(forward.min, backward.min) << name;
    EXPECT_EQ(forward.max, backward.max) << name;
  }
}

TEST(Calibration, MseIsTheBestOfAllAndClipsMoreForFewerBits) {
  const auto values = heavy_tailed(50000);
  float before = 1e9f;
  for (const int bits : {8, 4, 2}) {
    const Range best = range_of("mse", values, {bits});
    for (const Calibration& other : calibrations()) {
      // The histogram's bins cost little.
      EXPECT_LE(error_of(best, bits, values),
                1.02 * error_of(range_of(other.name, values, {bits}), bits, values))
          << other.name << bits;
    }
    EXPECT_LE(best.max, before);
    before = best.max;
  }
  for (const char* name : {"mse", "kl", "aciq"}) {
    EXPECT_LT(error_of(range_of(name, values, {4}), 4, values),
              error_of(range_of("minmax", values, {4}), 4, values))
        << name;
  }
}

TEST(Calibration, AciqFindsTheAnalyticClip) {
  Random random(1, "laplace");
  std::vector<float> gauss, laplace, half;
  for (int i = 0; i < 200000; ++i) {
    gauss.push_back(random.normal());
    const float u = random.uniform(-0.5f, 0.5f);
    laplace.push_back((u < 0 ? 1.0f : -1.0f) * std::log(1.0f - 2.0f * std::abs(u)));
    half.push_back(std::max(0.0f, laplace.back()));
  }
  EXPECT_NEAR(range_of("aciq", gauss, {4}).max, 2.55f, 0.05f);
  EXPECT_NEAR(range_of("aciq", laplace, {4}).max, 5.03f, 0.1f);
  EXPECT_NEAR(range_of("aciq", half, {4}).max, 6.20f, 0.1f);
}

TEST(BalancedSubset, TakesAsManyOfEachClass) {
  const auto dataset = coppice::testing::blobs({2, 2, 1}, 3, 90, 0, 0.1f, 1);
  for (const int count : {3, 10, 30, 200}) {
    const auto chosen = balanced_subset(dataset, count, 7);
    EXPECT_EQ(chosen, balanced_subset(dataset, count, 7));
    ASSERT_EQ(chosen.size(), static_cast<size_t>(std::min(count, 90)));
    std::vector<int> counts(3, 0);
    for (const int index : chosen) {
      ++counts[static_cast<size_t>(dataset.label(data::Split::kTrain, index))];
    }
    const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
    EXPECT_LE(*most - *least, 1);
    auto sorted = chosen;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(std::unique(sorted.begin(), sorted.end()), sorted.end());
  }
  EXPECT_NE(balanced_subset(dataset, 10, 1), balanced_subset(dataset, 10, 2));
}

TEST(RangeConvergence, EndsAtZeroAndMinMaxNeverMovesAway) {
  const auto dataset = coppice::testing::blobs({49, 10, 1}, 4, 24, 0, 1.0f, 1);
  const Graph graph = *fuse_for_inference(*make_zoo_model("ds_cnn", {49, 10, 1}, 4, 1));
  const Samples samples = load_samples(dataset, balanced_subset(dataset, 12, 1));
  const auto curve = range_convergence(graph, samples, calibrations()[0], {});
  ASSERT_TRUE(curve.ok());
  std::vector<int> counts;
  for (const auto& point : *curve) counts.push_back(point.samples);
  EXPECT_EQ(counts, (std::vector<int>{1, 2, 4, 8, 12}));
  EXPECT_GT(curve->front().worst_deviation, 0.0);
  EXPECT_EQ(curve->back().worst_deviation, 0.0);
  for (size_t i = 1; i < curve->size(); ++i) {
    EXPECT_LE((*curve)[i].mean_deviation, (*curve)[i - 1].mean_deviation);
  }
}

}  // namespace
}  // namespace coppice::quant
