#pragma once

#include <string>
#include <vector>

#include "coppice/quant/fidelity.h"
#include "coppice/quant/quantize.h"

namespace coppice::quant {

/// What the model loses, on the samples of the scan.
struct Damage {
  double accuracy_change = 0;  ///< Against the float model; negative: worse.
  Fidelity fidelity;
};

/// One layer with weights at one width.
struct LayerSensitivity {
  std::string layer;
  std::string op;
  int bits = 8;
  int64_t weight_bytes = 0;       ///< Packed, of this layer at these bits.
  double weight_sqnr_db = 0;      ///< Of the weight itself.
  double activation_sqnr_db = 0;  ///< Of the layer's output at activation_bits.
  Damage alone;                   ///< Only this layer's weight is quantized.
  Damage all_but;                 ///< All weights but this one are.
};

struct SensitivityOptions {
  std::vector<int> bits = {8, 4, 2};
  int samples = 256;  ///< Of the validation split.
  /// Everything but weight_bits and layer_bits: granularity, scales, calibration, ...
  QuantizeOptions quantize;
};

/// Quantizes one layer at a time, and all but one, at each width: which layer is to blame? Weights
/// are fake-quantized in the float model, so that nothing else disturbs; activations are judged by
/// their own noise. In the order of the graph, widths as given.
Result<std::vector<LayerSensitivity>> scan_sensitivity(const Graph& graph,
                                                       const data::Dataset& dataset,
                                                       const SensitivityOptions& options);

}  // namespace coppice::quant
