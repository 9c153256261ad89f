#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice {

/// What one layer costs.
struct LayerCost {
  std::string name;
  std::string op;  ///< With its fused activation: "conv2d+relu".
  Shape input;     ///< Of the first input.
  Shape output;
  int64_t parameters_total = 0;    ///< All stored values, batch norm statistics included.
  int64_t parameters_nonzero = 0;  ///< Those that are not zero (a zero bias counts as zero).
  int64_t macs_dense = 0;          ///< Multiply-accumulates with every weight.
  int64_t macs_effective = 0;      ///< Those whose weight is not zero.
  int64_t flash_bytes = 0;         ///< Parameters as stored, with what requantization needs.
  int64_t ram_bytes = 0;           ///< Activations alive while the layer runs, unaligned.
};

/// Sums over the layers, and the peak of the memory plan.
struct Cost {
  std::vector<LayerCost> layers;
  int64_t parameters_total = 0;
  int64_t parameters_nonzero = 0;
  int64_t macs_dense = 0;
  int64_t macs_effective = 0;
  int64_t flash_bytes = 0;
  int64_t ram_peak_bytes = 0;  ///< plan_memory(graph).arena_bytes.
};

/// Multiply-accumulates of one layer with every weight, as LayerCost::macs_dense has them.
int64_t dense_macs(const Graph& graph, const Node& node);

/// Counts what one inference of the graph takes.
///
/// MACs are those of convolutions and fully connected layers; a MAC on padding counts, as is the
/// field's custom; pooling, Add, Softmax and batch norm count 0. Flash is 4 bytes a float;
/// quantized weights packed at their width, biases as int32, and for each weight scale the 8 bytes
/// of an int32 multiplier and an int32 shift (4, a float, with Rounding::kFloat). Program code is
/// not in it. All is counted on the graph as given: pass fuse_for_inference(graph) for the deployed
/// figures.
Cost measure_cost(const Graph& graph);

}  // namespace coppice
