#pragma once

#include <vector>

#include "coppice/graph/graph.h"
#include "train/lowering.h"

namespace coppice::train {

/// What backward does with one input of a layer.
struct EdgePlan {
  bool wants_gradient = false;
  bool accumulate = false;  ///< Another reader of the storage has written the gradient before.
};

/// Which buffer holds the gradient of each storage. A gradient lives from its last reader's
/// backward to its writer's; buffers are used again, and elementwise layers work in place.
struct GradientPlan {
  std::vector<int> buffer;                   ///< Of each storage; -1: no gradient.
  std::vector<int64_t> buffer_elements;      ///< Floats a sample of each buffer.
  std::vector<std::vector<EdgePlan>> edges;  ///< [layer][input]
};

GradientPlan plan_gradients(const Graph& graph, const LoweredGraph& lowered);

}  // namespace coppice::train
