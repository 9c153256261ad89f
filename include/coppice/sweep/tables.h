#pragma once

#include "coppice/exec/plan.h"
#include "coppice/prune/schedule.h"
#include "coppice/prune/sensitivity.h"
#include "coppice/prune/shared_values.h"
#include "coppice/sweep/field.h"
#include "coppice/train/fit.h"

namespace coppice::sweep {

/// The plain keys at the top of a config: $schema, version, name, seeds.
const Table& top_table();
/// data::DatasetConfig.
const Table& dataset_table();
/// The keys "arch" and "file" of a model; "layers" stands beside them.
const Table& model_table();
/// train::TrainOptions.
const Table& train_table();
/// train::TrainOptions with gentler defaults, and when to fine-tune at all.
const Table& finetune_table();
/// train::TrainOptions for a quantized model.
const Table& qat_table();
/// PruneStep.
const Table& prune_table();
/// SparsifyStep.
const Table& sparsify_table();
/// UnifyStep.
const Table& unify_table();
/// ClusterStep.
const Table& cluster_table();
/// DeadChannelStep.
const Table& dead_channel_table();
/// SensitivityStep.
const Table& sensitivity_table();
/// quant::QuantizeOptions; 32 bits mean that the model stays float.
const Table& quantize_table();
/// EvaluateOptions.
const Table& evaluate_table();
/// MeasureOptions.
const Table& measure_table();
/// What report.html draws.
const Table& report_table();

/// Prune at once; then, without training, fit the batch norms to what is left.
struct PruneStep : prune::PruneOptions {
  int recalibrate_samples = 512;
};

/// Prune while training.
struct SparsifyStep : prune::PruneOptions, prune::ScheduleOptions, train::TrainOptions {};

/// Weights that share values, and training that keeps them so.
struct UnifyStep : prune::UnifyOptions, train::TrainOptions {};
struct ClusterStep : prune::ClusterOptions, train::TrainOptions {};

struct DeadChannelStep {
  int samples = 512;
};

/// A scan, by what it prunes.
struct SensitivityStep : prune::PruneOptions, prune::SensitivityOptions {};

/// On which splits the accuracy is taken.
struct EvaluateOptions {
  std::vector<std::string> splits = {"validation", "test"};
};

/// Where and how the finished model is timed; the executor's options are the host's.
struct MeasureOptions : exec::Options {
  std::vector<std::string> targets = {"host"};
  int repetitions = 31;
};

/// A kind of step. A new one is a new row of step_kinds() and its function in the runner.
struct StepKind {
  const Table* table;      ///< Its name is the step's name.
  const char* switch_key;  ///< Field that switches the step off; nullptr: always on.
  Json off_value;          ///< The value of switch_key that does it.
  bool changes_model;      ///< Else it only looks at the finished model.
};

/// All kinds of steps, in the order of the documentation.
const std::vector<StepKind>& step_kinds();
const StepKind* find_step_kind(std::string_view name);
std::vector<std::string> step_names();

/// The key of "finetune" that ties it to pruning.
inline constexpr const char* kOnlyAfterPruning = "only_after_pruning";
/// The value of "isa" in "measure" that sets no limit.
inline constexpr const char* kBestIsa = "best";
/// The key of "qat" with the bits of its stages.
inline constexpr const char* kProgressiveBits = "progressive_bits";

}  // namespace coppice::sweep
