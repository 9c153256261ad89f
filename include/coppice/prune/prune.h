#pragma once

#include <string>
#include <vector>

#include "coppice/data/dataset.h"
#include "coppice/graph/graph.h"

namespace coppice::prune {

/// How much to prune, and by what. Names are those of registry.h.
struct PruneOptions {
  /// Requested share of zero weights (of groups of equal size; for "channel" of removed channels),
  /// [0, 1). N:M and balanced:K/W say it themselves.
  double sparsity = 0.5;
  std::string granularity = "weight";      ///< What is removed together.
  std::string criterion = "magnitude_l1";  ///< Score of a group; the smallest are removed.
  std::string scope = "local";             ///< How the sparsity is shared out among layers.
  std::string cost = "none";               ///< Global scope: what a score is divided by.
  int rounds = 1;  ///< Scores are taken anew so often; each round removes the same share of what
                   ///< is left.
  std::vector<std::string> layers = {};  ///< Patterns of layers to prune; empty: all with weights.
  std::vector<std::string> skip = {};    ///< Patterns of layers to leave alone.
  std::vector<std::string> rules = {};   ///< Exceptions by pattern, see rules.h.
  double min_sparsity = 0;               ///< Of each layer, unless a rule says otherwise.
  double max_sparsity = 1;
  int calibration_samples = 256;  ///< Training samples for criteria that look at data.
  uint64_t seed = 0;              ///< Their choice, and random scores.
  int threads = 0;                ///< 0: all cores. The result does not depend on it.

  // Scope "sensitivity".
  std::string sensitivity_metric = "loss";
  int sensitivity_samples = 256;  ///< Validation samples.

  // Granularity "channel".
  bool remove_channels = true;     ///< Else they are only masked.
  bool protect_first_last = true;  ///< The first layer keeps its channels; the last one must.
  int round_to = 1;                ///< Channels kept are a multiple of it, where there are enough.
  int min_channels = 1;            ///< At least so many are kept.
  std::string group_reduction = "mean";  ///< Layers that share channels: "mean", "max" or "sum" of
                                         ///< their scores, each layer's divided by its mean.
};

struct LayerSparsity {
  std::string layer;
  int64_t weights = 0;  ///< Before.
  int64_t kept = 0;
};

/// What was reached.
struct PruneReport {
  std::vector<LayerSparsity> layers;
  double sparsity_requested = 0;
  /// Zeros over all weights of the pruned layers; for "channel" removed over all their channels.
  double sparsity_achieved = 0;
};

/// Prunes a float graph: sets masks and zeroes weights, or with granularity "channel" removes
/// output channels with all that depends on them. Earlier masks only shrink. `dataset` is needed
/// by criteria and scopes that look at data. Errors: a pattern that matches no layer, an unknown
/// name, a number out of range, a criterion that does not fit the granularity.
Result<PruneReport> apply(Graph& graph, const PruneOptions& options,
                          const data::Dataset* dataset = nullptr);

/// The sparsity that options ask for: their own, or that of an N:M pattern.
Result<double> requested_sparsity(const PruneOptions& options);

/// Removes the channels that are masked with everything that computes them, as apply() leaves them
/// without remove_channels. Returns how many.
Result<int> remove_masked_channels(Graph& graph);

/// Channels that no sample makes active.
struct DeadChannelReport {
  int removed = 0;
  int channels = 0;  ///< That could have been.
};

/// Removes channels that all their readers see as zero on each of `samples` training samples
/// (unaugmented, drawn by seed): the outputs on these do not change.
Result<DeadChannelReport> remove_dead_channels(Graph& graph, const data::Dataset& dataset,
                                               int samples, uint64_t seed);

}  // namespace coppice::prune
