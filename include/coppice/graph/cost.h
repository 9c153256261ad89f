#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice {

/// What one layer costs.
struct LayerCost {
  std::string name;
  std::string op;
  Shape input;
  Shape output;
  int64_t parameters_total = 0;
  int64_t parameters_nonzero = 0;
  int64_t macs_dense = 0;      ///< Multiply-accumulates with every weight.
  int64_t macs_effective = 0;  ///< Those whose weight is not zero.
  int64_t flash_bytes = 0;     ///< Parameters as stored.
  int64_t ram_bytes = 0;       ///< Activations alive while the layer runs.
};

/// Sums over the layers, and the peak of the memory plan.
struct Cost {
  std::vector<LayerCost> layers;
  int64_t parameters_total = 0;
  int64_t parameters_nonzero = 0;
  int64_t macs_dense = 0;
  int64_t macs_effective = 0;
  int64_t flash_bytes = 0;
  int64_t ram_peak_bytes = 0;
};

/// Counts multiply-accumulates of convolutions and fully connected layers for one input. A MAC on
/// padding counts, as is the field's custom. RAM is that of the graph as given: pass
/// fuse_for_inference(graph) for the deployed figure.
Cost measure_cost(const Graph& graph);

}  // namespace coppice
