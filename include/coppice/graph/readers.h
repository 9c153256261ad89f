#pragma once

#include <vector>

#include "coppice/graph/graph.h"

namespace coppice {

/// The nodes with weights that read what `node` computes, directly or through nodes without weights
/// (activations, pools, reshapes), in topological order.
std::vector<size_t> weighted_readers(const Graph& graph, size_t node);

}  // namespace coppice
