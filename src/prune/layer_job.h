#pragma once

#include <memory>
#include <vector>

#include "coppice/prune/granularity.h"
#include "coppice/prune/prune.h"
#include "coppice/prune/rules.h"
#include "prune/criterion.h"

namespace coppice::prune {

/// Things of one layer (or channel group) that compete: groups of weights, or channels.
struct Job {
  std::string name;
  LayerRule rule;
  Groups groups;               ///< sizes count weights, or 1 a channel; windows of patterns.
  std::vector<double> scores;  ///< By group.
  std::vector<double> costs;   ///< By group; what a global ranking divides by.
  std::vector<bool> removed;   ///< By group; those that are gone already at first.
  int64_t most_removed = 0;    ///< Groups that may be removed at most, beside max_sparsity.

  // For allocations: the layer's place and shape.
  size_t node = 0;
  double erk_density = 1;  ///< Unscaled.

  int64_t weights() const;
  int64_t weights_removed() const;
};

/// Marks as removed what `sparsity` asks for, by the options' scope. `curves` are needed by scope
/// "sensitivity": for each job its sensitivity at each of `sparsities`.
struct SensitivityCurves {
  std::vector<double> sparsities;
  std::vector<std::vector<double>> values;  ///< [job][sparsity]
};
Status choose(const PruneOptions& options, const Granularity& granularity, double sparsity,
              const SensitivityCurves* curves, std::vector<Job>& jobs);

/// Per-layer sparsities that sum up to `sparsity` of all weights: Erdos-Renyi-Kernel (Mocanu et al.
/// 2018; Evci et al. 2020).
std::vector<double> erk_sparsities(const std::vector<Job>& jobs, double sparsity);

/// Per-layer sparsities of equal sensitivity that sum up to `sparsity` of all weights.
std::vector<double> equal_sensitivity(const std::vector<Job>& jobs, const SensitivityCurves& curves,
                                      double sparsity);

/// The evidence of a criterion, drawn once.
struct CalibrationData {
  train::SampleSet samples;
  Evidence evidence;
};
Result<std::unique_ptr<CalibrationData>> calibration_data(const PruneOptions& options,
                                                          const data::Dataset* dataset);

/// apply() with the evidence given, to any sparsity up to that of the options' pattern.
Result<PruneReport> apply_at(Graph& graph, const PruneOptions& options, double sparsity,
                             const Evidence& evidence, const data::Dataset* dataset);

/// apply() of the granularity "channel".
Result<PruneReport> prune_channels(Graph& graph, const PruneOptions& options, double sparsity,
                                   Criterion& criterion, const Evidence& evidence,
                                   const data::Dataset* dataset);

/// The costs of one weight, or of a layer's channel, that a global ranking divides by.
Result<double> weight_cost(const Graph& graph, size_t node, const std::string& cost);

/// The sensitivities of all jobs, for scope "sensitivity".
Result<SensitivityCurves> sensitivity_curves(const Graph& graph, const PruneOptions& options,
                                             const std::vector<Job>& jobs,
                                             const data::Dataset* dataset);

}  // namespace coppice::prune
