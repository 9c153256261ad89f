#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/core/listing.h"
#include "coppice/data/dataset.h"
#include "coppice/graph/graph.h"
#include "coppice/graph/scheme.h"
#include "coppice/quant/calibration.h"

namespace coppice::quant {

/// Post-training quantization. The options from `equalize` on are the ladder: each helps where the
/// ones before do not suffice (docs/quantization.md).
struct QuantizeOptions {
  std::string recipe = "custom";  ///< One of recipes(); any but "custom" sets the options it names.
  int weight_bits = 8;            ///< 8 .. 2; 1: binary. 3, 5, 6, 7 are stored in the next of 4, 8.
  /// 8, or 16, symmetric (two bytes each in RAM); 4 and 2 use the low integers of an int8
  /// (accuracy, no bytes).
  int activation_bits = 8;
  /// Not 0: activation_bits become 16 if the memory plan's arena then fits these bytes, else 8.
  int budget_ram_bytes = 0;
  bool per_channel = true;  ///< Weight scales per output channel, else per tensor.
  int group_size = 0;       ///< Weights of 4 bits and fewer: input channels with a factor of
                            ///< their own; 0: none.
  WeightRange weight_range = WeightRange::kNarrow;
  ScaleKind scales = ScaleKind::kAffine;
  bool symmetric_activations = false;  ///< Zero points 0.
  int first_last_bits = 0;             ///< Weights of the first and the last layer; 0: as others.
  std::vector<std::string> layer_bits = {};  ///< "name or glob=bits", the last match counts.

  // Mixed precision: layer_bits by a scan of the layers, for the first budget that is not 0.
  std::vector<int> mixed_bits = {8, 4, 2};
  int budget_bytes = 0;                ///< Stored weights.
  float budget_us = 0.0f;              ///< Layers with weights on this machine, one by one.
  std::string mixed_solver = "exact";  ///< One of mixed_precision_solvers().

  std::string calibration = "minmax";  ///< How activation ranges are taken from the samples.
  float percentile = 99.99f;           ///< Of the calibration "percentile".
  int calibration_samples = 256;       ///< From the training split, seeded, balanced by class.
  uint64_t seed = 0;
  Rounding rounding = Rounding::kDouble;

  WeightScale weight_scale = WeightScale::kMax;
  bool equalize = false;                    ///< Cross-layer equalization.
  std::string weight_rounding = "nearest";  ///< One of weight_roundings().
  std::string bias_correction = "none";     ///< One of bias_corrections().
  int adaround_iterations = 1000;           ///< Steps of Adam a layer.
};

/// What can be named in QuantizeOptions, in the order of the documentation.
const std::vector<Listed>& recipes();
const std::vector<Listed>& weight_roundings();
const std::vector<Listed>& bias_corrections();

/// Folds batch norms, fuses activations, calibrates on (unaugmented) training samples, and returns
/// a graph whose parameters and activations carry integers, by the TFLite quantization
/// specification (docs/numerics.md). Pruned weights stay exactly zero. The float values stay beside
/// the integers. The samples' indices are kept in the metadata. Errors: an option out of range, a
/// graph that is quantized already, a dataset whose samples do not fit, a layer whose output is not
/// finite, a RAM budget below what 8-bit activations take.
Result<Graph> quantize(const Graph& graph, const data::Dataset& dataset,
                       const QuantizeOptions& options);

/// The same with calibration inputs given: each is one sample of the graph's input shape.
Result<Graph> quantize(const Graph& graph, const Samples& calibration,
                       const QuantizeOptions& options);

/// The options with their recipe written out.
QuantizeOptions with_recipe(QuantizeOptions options);

/// Whether options can be used at all.
Status check_options(const QuantizeOptions& options);

/// How the weight of a layer is stored: `weight_bits`, unless it is the first or last or named.
/// Errors: a pattern that matches no layer, or is not "name=bits".
Result<std::vector<WeightFormat>> weight_formats(const Graph& graph,
                                                 const QuantizeOptions& options);

}  // namespace coppice::quant
