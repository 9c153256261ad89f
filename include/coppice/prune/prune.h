#pragma once

#include <string>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice::prune {

/// How much to prune, and by what.
struct PruneOptions {
  double sparsity = 0.5;               ///< Requested share of zero weights in each layer, [0, 1).
  std::string granularity = "weight";  ///< What is removed together.
  std::string criterion = "magnitude_l1";  ///< Score of a group; the smallest are removed.
  std::string scope = "local";             ///< "local": each layer reaches the sparsity by itself.
  std::vector<std::string> layers =
      {};                              ///< Globs of layer names to prune; empty: all with weights.
  std::vector<std::string> skip = {};  ///< Globs of layer names to leave alone.
};

struct LayerSparsity {
  std::string layer;
  int64_t weights = 0;
  int64_t kept = 0;
};

/// What was reached.
struct PruneReport {
  std::vector<LayerSparsity> layers;
  double sparsity_requested = 0;
  double sparsity_achieved = 0;  ///< Zeros over all weights of the pruned layers.
};

/// Sets masks and zeroes weights. Earlier masks only shrink. A glob that matches no layer, an
/// unknown name or a sparsity out of range is an error.
Result<PruneReport> apply(Graph& graph, const PruneOptions& options);

}  // namespace coppice::prune
