#pragma once

#include <filesystem>
#include <functional>

#include "coppice/data/dataset.h"
#include "coppice/sweep/located_json.h"
#include "coppice/train/fit.h"

namespace coppice::sweep {

/// What a step may use beside its options.
struct StepContext {
  const data::Dataset* dataset = nullptr;
  uint64_t seed = 0;
  int threads = 0;                    ///< 0: all cores.
  std::filesystem::path checkpoint;   ///< Training goes on from here after a stop; may be empty.
  std::filesystem::path work_folder;  ///< Room for a firmware's build; made and removed.
  train::TrainCallbacks callbacks;
  /// The float model before the first pruning, for distillation; empty: there is none.
  std::function<Result<Graph>()> teacher;
};

/// The model of a resolved "model" object before its first step, sized for `dataset` (whose
/// resolved config is `dataset_config`), with its provenance begun.
Result<Graph> start_model(const Json& model, const Json& dataset_config,
                          const data::Dataset& dataset, uint64_t seed);

/// Runs a step that changes the model (train, prune, finetune, quantize, qat) with resolved
/// `options`, and notes it with its figures and its time in the model's provenance.
Status run_model_step(const std::string& name, const Json& options, const StepContext& context,
                      Graph& graph);

/// Runs a step that looks at the finished model (evaluate, measure) and adds its keys to `record`.
Status run_record_step(const std::string& name, const Json& options, const StepContext& context,
                       const Graph& graph, Json& record);

/// What the deployed model costs, as keys of a record: parameters, MACs, flash (dense, and by the
/// smallest storage of each layer), RAM.
Status add_cost(const Graph& graph, Json& record);

/// The interval that holds a share `correct / samples` in 95 of 100 cases (Wilson, "Probable
/// inference, the law of succession, and statistical inference", JASA 1927).
struct Interval {
  double low = 0;
  double high = 1;
};
Interval wilson_interval(int correct, int samples);

}  // namespace coppice::sweep
