#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"

namespace coppice::quant {

/// The interval of real numbers that the integers of a tensor span.
struct Range {
  float min = 0.0f;
  float max = 0.0f;
};

/// Watches one tensor over the calibration samples and decides on its range.
class Calibrator {
 public:
  virtual ~Calibrator() = default;
  virtual void see(std::span<const float> values) = 0;
  virtual Range range() const = 0;
};

/// One way to take ranges.
struct Calibration {
  std::string_view name;
  std::string_view summary;  ///< One line with its source.
  std::unique_ptr<Calibrator> (*make)();
};

/// All of them, in the order of the documentation.
const std::vector<Calibration>& calibrations();

/// The calibration of that name, or an error that lists the names.
Result<const Calibration*> find_calibration(std::string_view name);

}  // namespace coppice::quant
