#include "coppice/quant/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace coppice::quant {
namespace {

class MinMax final : public Calibrator {
 public:
  void see(std::span<const float> values) override {
    for (const float value : values) {
      min_ = std::min(min_, value);
      max_ = std::max(max_, value);
    }
  }
  Range range() const override { return min_ <= max_ ? Range{min_, max_} : Range{}; }

 private:
  float min_ = std::numeric_limits<float>::infinity();
  float max_ = -std::numeric_limits<float>::infinity();
};

template <class T>
std::unique_ptr<Calibrator> make() {
  return std::make_unique<T>();
}

}  // namespace

const std::vector<Calibration>& calibrations() {
  static const std::vector<Calibration> all = {
      {"minmax", "smallest and largest value seen (TensorFlow Lite's post-training default)",
       make<MinMax>},
  };
  return all;
}

Result<const Calibration*> find_calibration(std::string_view name) {
  std::string names;
  for (const Calibration& calibration : calibrations()) {
    if (calibration.name == name) return &calibration;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", calibration.name);
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("unknown calibration \"{}\"; expected one of: {}", name, names)};
}

}  // namespace coppice::quant
