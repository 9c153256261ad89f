#include "coppice/sweep/estimate.h"

#include <algorithm>
#include <map>

#include "coppice/core/thread_pool.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/fold.h"
#include "sweep/dataset_cache.h"
#include "sweep/work_tree.h"

namespace coppice::sweep {
namespace {

// Multiply-accumulates a second and core, of an AVX-512 server core. Training: 30 epochs of ds_cnn
// over 1860 clips in 28 s of CPU time, features included, are 16e9. Evaluation: the plain integer
// kernels need 1 ms for the 2.7e6 of ds_cnn.
constexpr double kTrainingRate = 16e9;
constexpr double kEvaluationRate = 2.7e9;

/// What one sample costs, and how many there are.
struct Sizes {
  double macs = 0;
  double train_samples = 0;
  double evaluation_samples = 0;
};

Result<Sizes> sizes_of(const Trial& trial, DatasetCache& datasets) {
  COPPICE_TRY(const auto dataset, datasets.open(trial.dataset));
  const auto classes = static_cast<int>(dataset->class_names().size());
  COPPICE_TRY(Graph graph, build_model(trial.model, dataset->sample_shape(), classes, trial.seed));
  COPPICE_TRY(graph, fuse_for_inference(std::move(graph)));
  return Sizes{static_cast<double>(measure_cost(graph).macs_dense),
               static_cast<double>(dataset->size(data::Split::kTrain)),
               static_cast<double>(dataset->size(data::Split::kValidation) +
                                   dataset->size(data::Split::kTest))};
}

double step_seconds(const TrialStep& step, const Sizes& sizes) {
  double epochs = step.options.value("epochs", 0.0);
  if (step.options.value("pruning_schedule", "") == "lottery_ticket") {
    epochs *= 1 + step.options.value("ticket_rounds", 0.0);
  }
  return 3 * sizes.macs * sizes.train_samples * epochs / kTrainingRate;
}

}  // namespace

Result<Estimate> estimate_time(const std::vector<Trial>& trials, const RunOptions& options) {
  DatasetCache datasets;
  std::map<std::string, Sizes> known;
  const auto find_sizes = [&](const Trial& trial) -> Result<Sizes> {
    const auto [entry, is_new] = known.try_emplace(trial.dataset.dump() + trial.model.dump());
    if (is_new) {
      COPPICE_TRY(entry->second, sizes_of(trial, datasets));
    }
    return entry->second;
  };
  Estimate estimate;
  double core_seconds = 0;
  for (const WorkNode& node : build_work_tree(trials, options.folder / "models").nodes) {
    if (!node.needed) continue;
    COPPICE_TRY(const Sizes sizes, find_sizes(*node.trial));
    if (!node.trials.empty()) {  // Its trials share one evaluation.
      core_seconds += sizes.macs * sizes.evaluation_samples / kEvaluationRate;
    }
    if (node.stored || node.step == nullptr) continue;
    core_seconds += step_seconds(*node.step, sizes);
    ++estimate.steps;
  }
  estimate.seconds = core_seconds / std::max(1, available_cores());
  return estimate;
}

}  // namespace coppice::sweep
