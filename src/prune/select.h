#pragma once

#include <vector>

#include "coppice/graph/graph.h"
#include "coppice/prune/prune.h"

namespace coppice::prune {

/// The layers that the options' globs choose among those with a "weight". A glob that matches none
/// of them is an error that lists their names; so is a choice that leaves none.
Result<std::vector<Node*>> select_layers(Graph& graph, const PruneOptions& options);

}  // namespace coppice::prune
