#include "coppice/prune/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>

#include "coppice/prune/registry.h"
#include "prune/layer_job.h"
#include "prune/lookup.h"

namespace coppice::prune {
namespace {

// Options that prune one layer alone, the same way.
PruneOptions for_one_layer(const PruneOptions& options, const std::string& layer) {
  PruneOptions one = options;
  one.scope = "local";
  one.layers = {layer};
  one.skip = {};
  one.rules = {};
  one.min_sparsity = 0;
  one.max_sparsity = 1;
  one.remove_channels = false;
  one.min_channels = 1;
  one.round_to = 1;
  return one;
}

// Measures pruned copies of a graph.
class Meter {
 public:
  virtual ~Meter() = default;
  virtual Result<double> damage(const Graph& pruned) = 0;
  double baseline = 0;
};

class OutputMeter : public Meter {
 public:
  static Result<std::unique_ptr<Meter>> make(const Graph& graph, const data::Dataset& dataset,
                                             const PruneOptions& options,
                                             const SensitivityOptions& scan) {
    auto meter = std::make_unique<OutputMeter>();
    meter->metric_ = scan.metric;
    meter->threads_ = options.threads;
    COPPICE_TRY(meter->samples_,
                train::draw_samples(dataset, data::Split::kValidation, scan.samples, options.seed));
    COPPICE_TRY(meter->reference_, train::logits_of(graph, meter->samples_, options.threads));
    const auto score = train::score_logits(meter->reference_, meter->samples_.labels);
    if (scan.metric == "loss") meter->baseline = score.loss;
    if (scan.metric == "accuracy") meter->baseline = score.accuracy;
    return std::unique_ptr<Meter>(std::move(meter));
  }

  Result<double> damage(const Graph& pruned) override {
    COPPICE_TRY(const auto logits, train::logits_of(pruned, samples_, threads_));
    if (metric_ == "kl") {
      const auto classes = static_cast<int>(logits.size() / samples_.labels.size());
      return train::mean_divergence(reference_, logits, classes);
    }
    const auto score = train::score_logits(logits, samples_.labels);
    return metric_ == "loss" ? score.loss - baseline : baseline - score.accuracy;
  }

 private:
  std::string metric_;
  int threads_ = 0;
  train::SampleSet samples_;
  std::vector<float> reference_;
};

// Adds up a criterion's scores of the weights that went.
class ProxyMeter : public Meter {
 public:
  static Result<std::unique_ptr<Meter>> make(const Graph& graph, const data::Dataset& dataset,
                                             const PruneOptions& options,
                                             const SensitivityOptions& scan) {
    PruneOptions proxy = options;
    proxy.criterion = scan.metric == "taylor" ? "snip" : "fisher";
    proxy.calibration_samples = scan.samples;
    COPPICE_TRY(const CriterionEntry* entry, find_criterion(proxy.criterion));
    COPPICE_TRY(const auto data, calibration_data(proxy, &dataset));
    const auto criterion = entry->make();
    COPPICE_TRY_STATUS(criterion->prepare(graph, data->evidence));
    auto meter = std::make_unique<ProxyMeter>();
    COPPICE_TRY(const Granularity single, Granularity::parse("weight"));
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      auto& scores = meter->scores_.emplace_back();
      const Parameter* weight = graph.nodes[n].parameter("weight");
      if (weight == nullptr) continue;
      scores = criterion->scores(graph, n, single.partition(graph.nodes[n], *weight));
    }
    return std::unique_ptr<Meter>(std::move(meter));
  }

  Result<double> damage(const Graph& pruned) override {
    double sum = 0;
    for (size_t n = 0; n < scores_.size(); ++n) {
      if (scores_[n].empty()) continue;
      const auto& mask = weight_of(pruned, n).mask;
      for (size_t i = 0; i < mask.size(); ++i) sum += mask[i] == 0 ? scores_[n][i] : 0.0;
    }
    return sum;
  }

 private:
  std::vector<std::vector<double>> scores_;  // By node, by weight.
};

Result<std::unique_ptr<Meter>> make_meter(const Graph& graph, const data::Dataset& dataset,
                                          const PruneOptions& options,
                                          const SensitivityOptions& scan) {
  COPPICE_TRY_STATUS(check_listed("sensitivity metric", scan.metric, sensitivity_metrics()));
  const bool proxy = scan.metric == "taylor" || scan.metric == "fisher";
  return proxy ? ProxyMeter::make(graph, dataset, options, scan)
               : OutputMeter::make(graph, dataset, options, scan);
}

Result<std::vector<double>> scan_layer(const Graph& graph, const data::Dataset& dataset,
                                       const PruneOptions& options, const std::string& layer,
                                       const std::vector<double>& sparsities, Meter& meter) {
  std::vector<double> values;
  PruneOptions one = for_one_layer(options, layer);
  for (const double sparsity : sparsities) {
    one.sparsity = sparsity;
    Graph pruned = graph;
    COPPICE_TRY_STATUS([&]() -> Status {
      const auto report = apply(pruned, one, &dataset);
      if (!report.ok()) return report.error();
      return {};
    }());
    COPPICE_TRY(const double damage, meter.damage(pruned));
    values.push_back(damage);
  }
  return values;
}

}  // namespace

const std::vector<Listed>& sensitivity_metrics() {
  static const std::vector<Listed> list = {
      {"loss", "rise of the validation loss"},
      {"kl", "divergence from the unpruned network's outputs"},
      {"accuracy", "fall of the validation accuracy"},
      {"taylor", "proxy: |gradient x weight| of the removed weights"},
      {"fisher", "proxy: (gradient x weight)^2 / 2 of the removed weights"},
  };
  return list;
}

Result<SensitivityReport> scan_sensitivity(const Graph& graph, const data::Dataset& dataset,
                                           const PruneOptions& options,
                                           const SensitivityOptions& scan) {
  COPPICE_TRY(const Granularity granularity, Granularity::parse(options.granularity));
  if (granularity.fixed_sparsity()) {
    return Error{ErrorCode::kConfig, fmt::format("granularity \"{}\" has one sparsity; a scan "
                                                 "needs one that can change",
                                                 granularity.name())};
  }
  COPPICE_TRY(const auto meter, make_meter(graph, dataset, options, scan));
  // What could be pruned, by a pass that removes nothing.
  PruneOptions none = options;
  none.sparsity = 0;
  none.scope = "local";
  none.min_sparsity = 0;
  none.rules = {};
  Graph copy = graph;
  none.remove_channels = false;
  COPPICE_TRY(const PruneReport layers, apply(copy, none, &dataset));
  SensitivityReport report;
  report.metric = scan.metric;
  report.baseline = meter->baseline;
  report.sparsities = scan.sparsities;
  std::sort(report.sparsities.begin(), report.sparsities.end());
  for (const LayerSparsity& layer : layers.layers) {
    COPPICE_TRY(auto values,
                scan_layer(graph, dataset, options, layer.layer, report.sparsities, *meter));
    report.layers.push_back(layer.layer);
    report.weights.push_back(layer.weights);
    report.values.push_back(std::move(values));
  }
  return report;
}

std::string to_csv(const SensitivityReport& report) {
  std::string text = fmt::format("layer,weights,sparsity,{}\n", report.metric);
  for (size_t l = 0; l < report.layers.size(); ++l) {
    for (size_t s = 0; s < report.sparsities.size(); ++s) {
      text += fmt::format("{},{},{},{:.6g}\n", report.layers[l], report.weights[l],
                          report.sparsities[s], report.values[l][s]);
    }
  }
  return text;
}

std::vector<double> allocate(const SensitivityReport& report, double sparsity) {
  std::vector<Job> jobs;
  for (const int64_t weights : report.weights) {
    Job job;
    job.groups.sizes = {weights};
    jobs.push_back(std::move(job));
  }
  return equal_sensitivity(jobs, {report.sparsities, report.values}, sparsity);
}

Result<SensitivityCurves> sensitivity_curves(const Graph& graph, const PruneOptions& options,
                                             const std::vector<Job>& jobs,
                                             const data::Dataset* dataset) {
  if (dataset == nullptr) {
    return Error{ErrorCode::kConfig,
                 "scope \"sensitivity\" looks at validation samples: it needs a dataset"};
  }
  SensitivityOptions scan;
  scan.metric = options.sensitivity_metric;
  scan.samples = options.sensitivity_samples;
  // Between what is asked for and everything, so that some layers can give more than that.
  const double beyond = 0.5 * (1.0 + options.sparsity);
  if (beyond > scan.sparsities.back()) scan.sparsities.push_back(beyond);
  COPPICE_TRY(const auto meter, make_meter(graph, *dataset, options, scan));
  SensitivityCurves curves;
  curves.sparsities = scan.sparsities;
  for (const Job& job : jobs) {
    COPPICE_TRY(auto values,
                scan_layer(graph, *dataset, options, job.name, scan.sparsities, *meter));
    curves.values.push_back(std::move(values));
  }
  return curves;
}

}  // namespace coppice::prune
