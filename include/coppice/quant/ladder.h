#pragma once

#include <functional>
#include <string>
#include <vector>

#include "coppice/quant/fidelity.h"
#include "coppice/quant/quantize.h"

namespace coppice::quant {

/// One rung of the ladder: a step more than the rung before, and what the model then is on the
/// validation split.
struct Rung {
  std::string step;
  QuantizeOptions options;  ///< The whole recipe up to here; of the float model: the defaults.
  double accuracy = 0;
  double loss = 0;
  Fidelity fidelity;   ///< Against the float model, on up to 256 validation samples.
  double seconds = 0;  ///< That quantizing took.
};

/// Climbs from what TensorFlow Lite's converter did at first to second-order rounding, at the bits
/// of `options`: float, batch norms folded with one scale a tensor, scales by channel, better
/// ranges, cross-layer equalization, bias correction, AdaRound, GPTQ (instead of AdaRound). A rung
/// of higher validation loss is shown, and left out of the rungs above. `on_rung` hears each.
Result<std::vector<Rung>> climb(const Graph& graph, const data::Dataset& dataset,
                                const QuantizeOptions& options,
                                const std::function<void(const Rung&)>& on_rung = {});

}  // namespace coppice::quant
