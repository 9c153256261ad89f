#pragma once

#include <string>

#include "coppice/graph/graph.h"
#include "coppice/sweep/located_json.h"

namespace coppice::sweep {

/// Where a model comes from. It travels in Graph::metadata, so that a model file says it.
struct Provenance {
  uint64_t seed = 0;
  Json dataset;  ///< Resolved "dataset" of the config; null when not known.
  Json model;    ///< Resolved "model" of the config; null when not known.
  /// What was done, in order: {"step", "options", "result"}.
  Json steps = Json::array();
};

/// Reads the metadata; what is not there stays at its default.
Provenance provenance_of(const Graph& graph);

/// Writes the metadata, with the version of this program.
void set_provenance(Graph& graph, const Provenance& provenance);

/// What the steps so far say about a model, for its record.
struct StepSummary {
  double sparsity_requested = 0;  ///< Of the last pruning.
  double sparsity_achieved = 0;   ///< The same; 0 without pruning.
  int weight_bits = 32;
  int activation_bits = 32;
  int finetune_epochs = 0;
  double seconds = 0;  ///< Time that all steps took when they were run.
};
StepSummary summarize_steps(const Provenance& provenance);

}  // namespace coppice::sweep
