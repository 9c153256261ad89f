#include "sweep/record.h"

#include "coppice/sweep/provenance.h"
#include "coppice/sweep/step.h"

namespace coppice::sweep {
namespace {

/// Keys that each record has, also when a step that would fill them is missing: every line of
/// results.jsonl has the same columns in the same order.
constexpr const char* kLaterKeys[] = {"sparsity_requested",
                                      "sparsity_achieved",
                                      "sparsity_executed",
                                      "weight_bits",
                                      "activation_bits",
                                      "finetune_epochs",
                                      "executor",
                                      "validation_accuracy",
                                      "test_accuracy",
                                      "test_accuracy_low",
                                      "test_accuracy_high",
                                      "parameters_total",
                                      "parameters_nonzero",
                                      "macs_dense",
                                      "macs_effective",
                                      "macs_executed",
                                      "flash_bytes",
                                      "smallest_storage_bytes",
                                      "ram_peak_bytes",
                                      "host_weight_bytes",
                                      "fallback_layers",
                                      "host_latency_us_median",
                                      "host_latency_us_spread"};

Json architecture(const Json& model) {
  if (model.contains("arch")) return model["arch"];
  if (model.contains("name")) return model["name"];
  return std::filesystem::path(model["file"].get<std::string>()).stem().string();
}

}  // namespace

Json start_record(const Trial& trial, const data::Dataset& dataset) {
  Json record = {{"trial_id", trial.id},
                 {"seed", trial.seed},
                 {"status", "ok"},
                 {"arch", architecture(trial.model)},
                 {"dataset", dataset.name()},
                 {"train_samples", dataset.size(data::Split::kTrain)},
                 {"validation_samples", dataset.size(data::Split::kValidation)},
                 {"test_samples", dataset.size(data::Split::kTest)}};
  for (const char* key : kLaterKeys) record[key] = nullptr;
  for (const auto& [pointer, value] : trial.swept) record["config." + pointer] = value;
  record["model_file"] = nullptr;
  record["wall_s"] = nullptr;
  return record;
}

Status add_model(const Graph& graph, Json& record) {
  const StepSummary steps = summarize_steps(provenance_of(graph));
  record["sparsity_requested"] = steps.sparsity_requested;
  record["sparsity_achieved"] = steps.sparsity_achieved;
  record["weight_bits"] = steps.weight_bits;
  record["activation_bits"] = steps.activation_bits;
  record["finetune_epochs"] = steps.finetune_epochs;
  record["wall_s"] = steps.seconds;
  return add_cost(graph, record);
}

void mark_failed(const Error& error, Json& record) {
  record["status"] = "failed";
  record["error"] = error.message;
}

}  // namespace coppice::sweep
