#include "coppice/quant/calibration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "coppice/core/text.h"
#include "quant/histogram.h"

namespace coppice::quant {
namespace {

Range extremes_of(std::span<const float> values) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Range range{kInfinity, -kInfinity};
  for (const float value : values) {
    range.min = std::min(range.min, value);
    range.max = std::max(range.max, value);
  }
  return range;
}

class MinMax final : public Calibrator {
 public:
  void see(std::span<const float> values) override {
    const Range seen = extremes_of(values);
    range_ = {first_ ? seen.min : std::min(range_.min, seen.min),
              first_ ? seen.max : std::max(range_.max, seen.max)};
    first_ = false;
  }
  Range range() const override { return range_; }

 private:
  bool first_ = true;
  Range range_;
};

// The mean of the first samples' extremes, then a moving one over about a hundred.
class MovingAverage final : public Calibrator {
 public:
  void see(std::span<const float> values) override {
    const Range sample = extremes_of(values);
    const float share = 1.0f / static_cast<float>(std::min(++seen_, 100));
    range_.min += share * (sample.min - range_.min);
    range_.max += share * (sample.max - range_.max);
  }
  Range range() const override { return range_; }

 private:
  int seen_ = 0;
  Range range_;
};

class FromHistogram : public Calibrator {
 public:
  using Choose = Range (*)(const Histogram&, const RangeOptions&);
  FromHistogram(Choose choose, const RangeOptions& options) : choose_(choose), options_(options) {}

  void see(std::span<const float> values) override { histogram_.add(values); }
  Range range() const override {
    return histogram_.empty() ? Range{} : choose_(histogram_, options_);
  }

 private:
  Choose choose_;
  RangeOptions options_;
  Histogram histogram_;
};

template <class T>
std::unique_ptr<Calibrator> make(const RangeOptions&) {
  return std::make_unique<T>();
}

template <Range (*kRange)(const Histogram&, int bits)>
std::unique_ptr<Calibrator> make_for_bits(const RangeOptions& options) {
  const auto choose = [](const Histogram& h, const RangeOptions& o) { return kRange(h, o.bits); };
  return std::make_unique<FromHistogram>(choose, options);
}

std::unique_ptr<Calibrator> make_percentile(const RangeOptions& options) {
  const auto choose = [](const Histogram& h, const RangeOptions& o) {
    return percentile_range(h, double{o.percentile});
  };
  return std::make_unique<FromHistogram>(choose, options);
}

}  // namespace

const std::vector<Calibration>& calibrations() {
  static const std::vector<Calibration> all = {
      {"minmax", "smallest and largest value seen (TensorFlow Lite's post-training default)",
       make<MinMax>},
      {"moving_average", "moving mean of each sample's smallest and largest value (Jacob 2018)",
       make<MovingAverage>},
      {"percentile", "all but the outermost values, by the option \"percentile\"", make_percentile},
      {"mse", "least squared error of quantization over fractions of the whole range",
       make_for_bits<mse_range>},
      {"kl", "least Kullback-Leibler divergence of the quantized distribution (TensorRT, 2017)",
       make_for_bits<entropy_range>},
      {"aciq", "analytic clip of a Laplace or Gauss distribution (Banner 2019)",
       make_for_bits<aciq_range>},
  };
  return all;
}

Result<const Calibration*> find_calibration(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Calibration& calibration : calibrations()) {
    if (calibration.name == name) return &calibration;
    names.push_back(calibration.name);
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("unknown calibration \"{}\"; expected one of: {}{}", name,
                           fmt::join(names, ", "), did_you_mean(name, names))};
}

}  // namespace coppice::quant
