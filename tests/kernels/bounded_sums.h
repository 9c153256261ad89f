#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace coppice::testing {

/// Lets an operation's reference compute in double.
struct Exact {
  using Accumulator = double;
  using Value = double;
  double min = -1e300, max = 1e300;
};
inline double finish(const Exact& to, int /*channel*/, double sum) {
  return sum < to.min ? to.min : sum > to.max ? to.max : sum;
}
inline void finish_row(const Exact& to, int channel, int count, const double* sum, double* y) {
  for (int i = 0; i < count; ++i) y[i] = finish(to, channel + i, sum[i]);
}

inline std::vector<double> doubles(const std::vector<float>& values, bool absolute) {
  std::vector<double> result;
  for (const float value : values) result.push_back(absolute ? std::abs(value) : value);
  return result;
}

/// Sums of `terms` products and a bias in float, in any order and with or without fused
/// multiply-adds, differ from the exact ones by at most gamma_(terms + 1) times the sum of absolute
/// values (Higham, "Accuracy and stability of numerical algorithms", 2002, sec. 3.1).
inline void expect_close(const std::vector<float>& y, const std::vector<double>& exact,
                         const std::vector<double>& magnitude, int terms) {
  ASSERT_EQ(y.size(), exact.size());
  const double unit = 1.001 * std::ldexp(1.0, -24);
  for (size_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(y[i], exact[i], (terms + 1) * unit * magnitude[i]) << "at " << i;
  }
}

}  // namespace coppice::testing
