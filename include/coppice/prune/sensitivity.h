#pragma once

#include <string>
#include <vector>

#include "coppice/data/dataset.h"
#include "coppice/prune/prune.h"

namespace coppice::prune {

/// What a scan measures, and where.
struct SensitivityOptions {
  std::string metric = "loss";  ///< One of sensitivity_metrics().
  std::vector<double> sparsities = {0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95};
  int samples = 256;  ///< Validation samples (training samples for the proxies), drawn by seed.
};

/// How much a network suffers when one layer at a time is pruned.
struct SensitivityReport {
  std::string metric;
  double baseline = 0;  ///< Loss or accuracy of the network as it is; 0 for the others.
  std::vector<std::string> layers;
  std::vector<int64_t> weights;  ///< By layer.
  std::vector<double> sparsities;
  std::vector<std::vector<double>> values;  ///< [layer][sparsity]: rise of the loss, ...
};

/// Prunes one layer (or group of layers that share channels) after the other to each sparsity, by
/// the granularity and criterion of `options`, and measures the damage; the graph stays as it is.
/// loss and accuracy take the change on validation samples, kl the divergence from the network's
/// own outputs; taylor and fisher add up what first and second order say about the removed
/// weights, without running the pruned network.
Result<SensitivityReport> scan_sensitivity(const Graph& graph, const data::Dataset& dataset,
                                           const PruneOptions& options,
                                           const SensitivityOptions& scan);

/// "layer,weights,sparsity,<metric>" and one line for each point.
std::string to_csv(const SensitivityReport& report);

/// The sparsity of each layer of the report at which all are equally sensitive and the whole
/// reaches `sparsity`: what scope "sensitivity" prunes to.
std::vector<double> allocate(const SensitivityReport& report, double sparsity);

}  // namespace coppice::prune
