#pragma once

#include <string>
#include <vector>

#include "coppice/core/listing.h"
#include "coppice/quant/sensitivity.h"

namespace coppice::quant {

/// One way to store one layer: what it takes of the budget, and what it costs in quality.
struct Choice {
  int bits = 8;
  double price = 0;  ///< Bytes or microseconds.
  double loss = 0;   ///< Divergence when only this layer has these bits.
};
/// A layer's choices, any order.
struct LayerChoices {
  std::string layer;
  std::vector<Choice> choices;
};

/// Bits for each layer.
struct Assignment {
  std::vector<int> bits;
  double price = 0;
  double loss = 0;  ///< Sum over the layers: the additive model.
};

/// Least loss within the budget, exactly: dynamic programming over the layers, keeping all
/// assignments that no other beats in both price and loss. An error when even the cheapest choices
/// exceed the budget.
Result<Assignment> assign_exactly(const std::vector<LayerChoices>& layers, double budget);

/// From the dearest choices down: the step that costs least loss for what it saves, again and
/// again. The same errors.
Result<Assignment> assign_greedily(const std::vector<LayerChoices>& layers, double budget);

/// What is budgeted.
enum class Budget {
  kBytes,         ///< Stored weights.
  kMicroseconds,  ///< Of the layers with weights on this machine, each measured alone.
};

/// The choices of a scan: prices are bytes, or measured times.
Result<std::vector<LayerChoices>> choices_of(const Graph& graph, const data::Dataset& dataset,
                                             const SensitivityOptions& options, Budget budget);

/// "layer=bits" for each layer: QuantizeOptions::layer_bits.
std::vector<std::string> layer_bits_of(const std::vector<LayerChoices>& layers,
                                       const Assignment& assignment);

/// The ways to assign, for listings and configs: "exact", "greedy".
const std::vector<Listed>& mixed_precision_solvers();

/// Sets options.layer_bits by a scan at options.mixed_bits within options.budget_bytes or
/// budget_us; does nothing without a budget.
Status choose_layer_bits(const Graph& graph, const data::Dataset& dataset,
                         QuantizeOptions& options);

}  // namespace coppice::quant
