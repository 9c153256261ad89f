#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/data/dataset.h"
#include "coppice/graph/graph.h"
#include "coppice/graph/scheme.h"

namespace coppice::quant {

/// What a method may look at beside the values.
struct RangeOptions {
  int bits = 8;               ///< Of the activation.
  float percentile = 99.99f;  ///< "percentile": share of the values inside, in percent.
};

/// Watches one tensor over the calibration samples and decides on its range.
class Calibrator {
 public:
  virtual ~Calibrator() = default;
  /// The values of one sample.
  virtual void see(std::span<const float> values) = 0;
  virtual Range range() const = 0;
};

/// One way to take ranges.
struct Calibration {
  std::string_view name;
  std::string_view summary;  ///< One line with its source.
  std::unique_ptr<Calibrator> (*make)(const RangeOptions& options);
};

/// All of them, in the order of the documentation.
const std::vector<Calibration>& calibrations();

/// The calibration of that name, or an error that lists the names.
Result<const Calibration*> find_calibration(std::string_view name);

/// Inputs of a graph, one vector of input_shape().elements() floats a sample.
using Samples = std::vector<std::vector<float>>;

/// Distinct training samples drawn by seed, as many of each class as there are (all of a class that
/// has too few), at most `count`, ordered so that each beginning of the list is balanced too.
std::vector<int> balanced_subset(const data::Dataset& dataset, int count, uint64_t seed);

/// Those training samples, unaugmented.
Samples load_samples(const data::Dataset& dataset, const std::vector<int>& indices);

/// Runs the fused float graph over the samples and returns each tensor's range. Errors: a layer
/// whose output is not finite.
Result<std::vector<Range>> calibrate(const Graph& fused, const Samples& samples,
                                     const Calibration& calibration, const RangeOptions& options);

/// How far the ranges are from their last word after some of the samples.
struct ConvergencePoint {
  int samples = 0;
  double mean_deviation = 0;  ///< Of the width of a range, relative, over all tensors.
  double worst_deviation = 0;
  int worst_tensor = -1;
};

/// The range-convergence curve at 1, 2, 4, ... and all samples: how many are enough?
Result<std::vector<ConvergencePoint>> range_convergence(const Graph& fused, const Samples& samples,
                                                        const Calibration& calibration,
                                                        const RangeOptions& options);

}  // namespace coppice::quant
