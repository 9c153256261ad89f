#pragma once

#include <vector>

#include "coppice/graph/graph.h"
#include "coppice/prune/prune.h"
#include "coppice/prune/rules.h"

namespace coppice::prune {

/// A layer that may be pruned, and what is said about it.
struct SelectedLayer {
  size_t node = 0;
  LayerRule rule;
};

/// The layers with weights that the options choose. Later rules win. A pattern that matches none of
/// them is an error that lists their names; so is a choice that leaves none.
Result<std::vector<SelectedLayer>> select_layers(const Graph& graph, const PruneOptions& options);

}  // namespace coppice::prune
