#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/data/dataset.h"
#include "coppice/graph/graph.h"

namespace coppice::quant {

/// Post-training quantization.
struct QuantizeOptions {
  int weight_bits = 8;                 ///< 8, 4 ([-7, 7]) or 2 ([-1, 1]).
  int activation_bits = 8;             ///< 8.
  bool per_channel = true;             ///< Weight scales per output channel, else per tensor.
  std::string calibration = "minmax";  ///< How activation ranges are taken from the samples.
  int calibration_samples = 256;       ///< Drawn from the training split, seeded.
  uint64_t seed = 0;
  Rounding rounding = Rounding::kDouble;
};

/// Folds batch norms, fuses activations, calibrates on (unaugmented) training samples, and returns
/// a graph whose parameters and activations carry integers, by the TFLite quantization
/// specification (docs/numerics.md). Pruned weights stay exactly zero. The float values stay beside
/// the integers. Errors: an option out of range, a graph that is quantized already, a dataset whose
/// samples do not fit, a layer whose output is not finite.
Result<Graph> quantize(const Graph& graph, const data::Dataset& dataset,
                       const QuantizeOptions& options);

/// The same with calibration inputs given: each is one sample of the graph's input shape.
Result<Graph> quantize(const Graph& graph, const std::vector<std::vector<float>>& calibration,
                       const QuantizeOptions& options);

}  // namespace coppice::quant
