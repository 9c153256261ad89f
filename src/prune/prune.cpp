#include "coppice/prune/prune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "coppice/prune/registry.h"
#include "prune/layer_job.h"
#include "prune/lookup.h"
#include "prune/select.h"

namespace coppice::prune {
namespace {

Error range_error(const char* name, double value, const char* expected) {
  return Error{ErrorCode::kConfig, fmt::format("{} is {}, expected {}", name, value, expected)};
}

Status check_numbers(const PruneOptions& options) {
  if (!(options.sparsity >= 0.0 && options.sparsity < 1.0)) {
    return range_error("sparsity", options.sparsity, "within [0, 1)");
  }
  if (!(options.min_sparsity >= 0.0 && options.min_sparsity <= 1.0)) {
    return range_error("min_sparsity", options.min_sparsity, "within [0, 1]");
  }
  if (!(options.max_sparsity >= options.min_sparsity && options.max_sparsity <= 1.0)) {
    return range_error("max_sparsity", options.max_sparsity, "within [min_sparsity, 1]");
  }
  if (options.rounds < 1) return range_error("rounds", options.rounds, "1 or more");
  if (options.round_to < 1) return range_error("round_to", options.round_to, "1 or more");
  if (options.min_channels < 1) {
    return range_error("min_channels", options.min_channels, "1 or more");
  }
  return {};
}

Status check_options(const Graph& graph, const PruneOptions& options,
                     const Granularity& granularity) {
  COPPICE_TRY_STATUS(check_numbers(options));
  COPPICE_TRY_STATUS(check_listed("scope", options.scope, scopes()));
  COPPICE_TRY_STATUS(check_listed("cost", options.cost, costs()));
  COPPICE_TRY_STATUS(check_listed("group reduction", options.group_reduction, group_reductions()));
  if (options.scope == "erk" && granularity.fixed_sparsity()) {
    return Error{ErrorCode::kConfig,
                 fmt::format("granularity \"{}\" fixes the sparsity of each layer; scope \"erk\" "
                             "has nothing to decide",
                             granularity.name())};
  }
  for (const auto& node : graph.nodes) {
    const Parameter* weight = node.parameter("weight");
    if (weight == nullptr || !weight->quantized) continue;
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{}: layer \"{}\" is quantized; prune the float model, then quantize",
                             graph.name, node.name)};
  }
  return {};
}

// Groups without a kept element.
std::vector<bool> gone_groups(const Parameter& weight, const Groups& groups) {
  std::vector<bool> gone(static_cast<size_t>(groups.count), true);
  for (size_t i = 0; i < weight.value.size(); ++i) {
    if (weight.mask.empty() || weight.mask[i] != 0) {
      gone[static_cast<size_t>(groups.group_of[i])] = false;
    }
  }
  return gone;
}

// (rows + columns' channels + kernel) / (their product), the density of Evci et al., "Rigging the
// lottery", ICML 2020, before scaling.
double erk_density(const WeightMatrix& matrix) {
  const auto rows = static_cast<double>(matrix.rows), inputs = static_cast<double>(matrix.inputs);
  const double h = matrix.kernel_h, w = matrix.kernel_w;
  return (rows + inputs + h + w) / (rows * inputs * h * w);
}

Result<std::vector<Job>> make_jobs(const Graph& graph, const PruneOptions& options,
                                   const Granularity& granularity, const Criterion& criterion,
                                   const std::vector<SelectedLayer>& layers) {
  std::vector<Job> jobs;
  for (const SelectedLayer& layer : layers) {
    const Node& node = graph.nodes[layer.node];
    const Parameter& weight = weight_of(graph, layer.node);
    Job job;
    job.name = node.name;
    job.rule = layer.rule;
    job.node = layer.node;
    job.groups = granularity.partition(node, weight);
    job.removed = gone_groups(weight, job.groups);
    job.scores = criterion.scores(graph, layer.node, job.groups);
    job.most_removed = job.groups.count;
    job.erk_density = erk_density(weight_matrix(node, weight));
    double cost = 1.0;
    if (options.scope == "global") {
      COPPICE_TRY(cost, weight_cost(graph, layer.node, options.cost));
    }
    for (const int64_t size : job.groups.sizes) {
      job.costs.push_back(options.cost == "none" ? 1.0 : cost * static_cast<double>(size));
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

void set_mask(const Job& job, Parameter& weight) {
  if (weight.mask.empty()) weight.mask.assign(weight.value.size(), 1);
  for (size_t i = 0; i < weight.mask.size(); ++i) {
    if (job.removed[static_cast<size_t>(job.groups.group_of[i])]) weight.mask[i] = 0;
  }
  apply_mask(weight);
}

Status prune_once(Graph& graph, const PruneOptions& options, const Granularity& granularity,
                  double sparsity, Criterion& criterion, const Evidence& evidence,
                  const data::Dataset* dataset, PruneReport& report) {
  COPPICE_TRY(const auto layers, select_layers(graph, options));
  COPPICE_TRY_STATUS(criterion.prepare(graph, evidence));
  COPPICE_TRY(auto jobs, make_jobs(graph, options, granularity, criterion, layers));
  SensitivityCurves curves;
  if (options.scope == "sensitivity") {
    COPPICE_TRY(curves, sensitivity_curves(graph, options, jobs, dataset));
  }
  COPPICE_TRY_STATUS(choose(options, granularity, sparsity, &curves, jobs));
  report.layers.clear();
  int64_t weights = 0, kept = 0;
  for (const Job& job : jobs) {
    Parameter& weight = *graph.nodes[job.node].parameter("weight");
    set_mask(job, weight);
    COPPICE_TRY_STATUS(criterion.compensate(graph, job.node));
    LayerSparsity layer{job.name, static_cast<int64_t>(weight.value.size()),
                        std::count(weight.mask.begin(), weight.mask.end(), 1)};
    weights += layer.weights;
    kept += layer.kept;
    report.layers.push_back(std::move(layer));
  }
  report.sparsity_achieved = 1.0 - static_cast<double>(kept) / static_cast<double>(weights);
  return {};
}

// Parameters stay where they are while their shapes do: callers may hold references to them.
void hand_over(Graph result, Graph& graph) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    std::vector<Parameter>& to = graph.nodes[n].parameters;
    for (size_t p = 0; p < to.size(); ++p) to[p] = std::move(result.nodes[n].parameters[p]);
    graph.nodes[n].op = result.nodes[n].op;
  }
  graph.tensors = std::move(result.tensors);
}

}  // namespace

const std::vector<Listed>& scopes() {
  static const std::vector<Listed> list = {
      {"local", "each layer reaches the requested sparsity by itself"},
      {"global", "one ranking over all layers, by score or score by cost"},
      {"erk", "by layer shape: larger layers become sparser (Evci et al. 2020)"},
      {"sensitivity", "by a scan: each layer is pruned to the same sensitivity"},
  };
  return list;
}

const std::vector<Listed>& group_reductions() {
  static const std::vector<Listed> list = {
      {"mean", "mean of the scores of the layers that share channels"},
      {"max", "largest of them"},
      {"sum", "their sum: channels of many layers count more"},
  };
  return list;
}

Result<std::unique_ptr<CalibrationData>> calibration_data(const PruneOptions& options,
                                                          const data::Dataset* dataset) {
  COPPICE_TRY(const CriterionEntry* entry, find_criterion(options.criterion));
  auto data = std::make_unique<CalibrationData>();
  data->evidence.seed = options.seed;
  data->evidence.threads = options.threads;
  if (!entry->needs_samples) return data;
  if (dataset == nullptr) {
    return Error{ErrorCode::kConfig,
                 fmt::format("criterion \"{}\" looks at training samples: it needs a dataset",
                             options.criterion)};
  }
  COPPICE_TRY(data->samples, train::draw_samples(*dataset, data::Split::kTrain,
                                                 options.calibration_samples, options.seed));
  data->evidence.samples = &data->samples;
  return data;
}

Result<double> requested_sparsity(const PruneOptions& options) {
  COPPICE_TRY(const auto granularity, Granularity::parse(options.granularity));
  return granularity.fixed_sparsity().value_or(options.sparsity);
}

Result<PruneReport> apply(Graph& graph, const PruneOptions& options, const data::Dataset* dataset) {
  COPPICE_TRY(const double sparsity, requested_sparsity(options));
  COPPICE_TRY(const auto data, calibration_data(options, dataset));
  return apply_at(graph, options, sparsity, data->evidence, dataset);
}

Result<PruneReport> apply_at(Graph& graph, const PruneOptions& options, double sparsity,
                             const Evidence& evidence, const data::Dataset* dataset) {
  COPPICE_TRY(const auto granularity, Granularity::parse(options.granularity));
  COPPICE_TRY_STATUS(check_options(graph, options, granularity));
  COPPICE_TRY(const CriterionEntry* entry, find_criterion(options.criterion));
  const auto criterion = entry->make();
  if (criterion->for_channels_only() && !granularity.is_channel()) {
    return Error{ErrorCode::kConfig,
                 fmt::format("criterion \"{}\" scores whole channels; granularity \"{}\" has parts "
                             "of them",
                             options.criterion, granularity.name())};
  }
  Graph result = graph;
  PruneReport report;
  if (granularity.is_channel()) {
    COPPICE_TRY(report, prune_channels(result, options, sparsity, *criterion, evidence, dataset));
  }
  for (int round = 1; !granularity.is_channel() && round <= options.rounds; ++round) {
    const double share = static_cast<double>(round) / options.rounds;
    const double so_far = round == options.rounds ? sparsity : 1 - std::pow(1 - sparsity, share);
    COPPICE_TRY_STATUS(
        prune_once(result, options, granularity, so_far, *criterion, evidence, dataset, report));
  }
  report.sparsity_requested = sparsity;
  hand_over(std::move(result), graph);
  return report;
}

}  // namespace coppice::prune
