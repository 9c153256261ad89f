#pragma once

#include <string>
#include <vector>

#include "coppice/data/dataset.h"
#include "coppice/graph/graph.h"
#include "coppice/train/fit.h"
#include "coppice/train/shared_values.h"

namespace coppice::prune {

using train::project;
using train::SharedLayer;

/// Weight unification (Lin et al., "Micro-structured weight unification and pruning for neural
/// network compression", arXiv 2106.08301): the kept weights of a block take one magnitude, their
/// signs stay. A pruned block is the case of magnitude zero.
struct UnifyOptions {
  std::string block = "block:1x4";  ///< A granularity: the weights of one group share a magnitude.
  double share = 1.0;  ///< Of each layer's blocks; those whose unification changes least.
  std::vector<std::string> layers = {};  ///< Patterns; empty: all with weights.
  std::vector<std::string> skip = {};
};
Result<std::vector<SharedLayer>> unify(Graph& graph, const UnifyOptions& options);

/// Weight clustering (Han, Mao & Dally, "Deep compression", ICLR 2016): kept weights take one of
/// `clusters` values, found by k-means from linearly spaced ones. Zeros stay out of it.
struct ClusterOptions {
  int clusters = 16;
  bool per_channel = false;  ///< A codebook for each output channel, else one a layer.
  std::vector<std::string> layers = {};
  std::vector<std::string> skip = {};
};
Result<std::vector<SharedLayer>> cluster(Graph& graph, const ClusterOptions& options);

/// Trains on with weights that keep sharing their values (TrainingPartners::shared).
Result<train::FitReport> train_shared(Graph& graph, const data::Dataset& dataset,
                                      const std::vector<SharedLayer>& layers,
                                      const train::TrainOptions& training,
                                      const train::TrainCallbacks& callbacks = {},
                                      const Graph* teacher = nullptr);

}  // namespace coppice::prune
