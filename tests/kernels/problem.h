#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/kernels/requantize.h"

namespace coppice::testing {

/// Random operands of integer and float kernels; equal for an equal name.
class Problem {
 public:
  explicit Problem(const std::string& name) : random_(1, name) {}

  std::vector<int8_t> integers(int count, int low = -128, int high = 127) {
    std::vector<int8_t> values(static_cast<size_t>(count));
    for (auto& value : values) {
      value = static_cast<int8_t>(
          low + static_cast<int>(random_.below(static_cast<uint32_t>(high - low + 1))));
    }
    return values;
  }
  std::vector<int32_t> biases(int count) {
    std::vector<int32_t> values(static_cast<size_t>(count));
    for (auto& value : values) value = static_cast<int32_t>(random_.below(20001)) - 10000;
    return values;
  }
  std::vector<float> floats(int count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (auto& value : values) value = random_.uniform(-1.0f, 1.0f);
    return values;
  }

  /// Factors that bring sums of about `magnitude` into the range of int8, and beyond.
  void requantize(int channels, double magnitude) {
    for (int c = 0; c < channels; ++c) {
      const double scale = std::exp(double{random_.uniform(-1.0f, 1.5f)}) * 100.0 / magnitude;
      const auto factor = kernels::quantize_multiplier(scale);
      multiplier_.push_back(factor.multiplier);
      shift_.push_back(factor.shift);
      scale_.push_back(static_cast<float>(scale));
    }
  }
  kernels::Requantize output(kernels::Rounding rounding) const {
    return {rounding, multiplier_.data(), shift_.data(), scale_.data(), 1, 5, -100, 120};
  }
  /// Each mode with a clamp on both sides, with that of a ReLU, and with none.
  std::vector<kernels::Requantize> outputs() const;

 private:
  Random random_;
  std::vector<int32_t> multiplier_, shift_;
  std::vector<float> scale_;
};

inline constexpr kernels::Rounding kRoundings[] = {
    kernels::Rounding::kDouble, kernels::Rounding::kSingle, kernels::Rounding::kFloat};

inline std::vector<kernels::Requantize> Problem::outputs() const {
  std::vector<kernels::Requantize> all;
  for (const kernels::Rounding rounding : kRoundings) {
    kernels::Requantize to = output(rounding);
    all.push_back(to);
    to.zero = to.min = -128, to.max = 127;
    all.push_back(to);
    to.zero = 31, to.min = -128;
    all.push_back(to);
  }
  return all;
}

}  // namespace coppice::testing
