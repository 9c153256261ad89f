#include "coppice/sweep/step.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "coppice/core/thread_pool.h"
#include "coppice/deploy/generate.h"
#include "coppice/exec/latency.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/storage.h"
#include "coppice/sweep/config.h"
#include "coppice/sweep/provenance.h"
#include "coppice/sweep/tables.h"
#include "sweep/model_steps.h"

namespace coppice::sweep {
namespace {

Status evaluate_model(const Json& options, const StepContext& context, const Graph& graph,
                      Json& record) {
  for (const std::string& name : evaluate_table().options<EvaluateOptions>(options).splits) {
    COPPICE_TRY(const auto split, data::parse_split(name));
    if (context.dataset->size(split) == 0) continue;
    COPPICE_TRY(const auto result,
                train::evaluate(graph, *context.dataset, split, context.threads));
    record[name + "_accuracy"] = result.accuracy();
    if (split != data::Split::kTest) continue;
    const Interval interval = wilson_interval(result.correct, result.samples);
    record["test_accuracy_low"] = interval.low;
    record["test_accuracy_high"] = interval.high;
  }
  return {};
}

Status measure_host(const MeasureOptions& options, const Graph& graph, Json& record) {
  COPPICE_TRY(const auto plan, exec::compile(graph, options));
  exec::LatencyOptions timing;
  timing.repetitions = options.repetitions;
  timing.clock = exec::clock_for(options);
  const exec::Latency latency = exec::measure_latency(*plan, timing);
  const exec::PlanCost cost = exec::cost_of(*plan);
  record["executor"] = exec::executor_name(options.executor);
  record["macs_executed"] = cost.executed_macs;
  record["sparsity_executed"] = cost.executed_sparsity();
  record["host_weight_bytes"] = cost.packed_bytes;
  const auto& choices = plan->choices();
  record["fallback_layers"] =
      std::count_if(choices.begin(), choices.end(),
                    [](const exec::LayerChoice& choice) { return choice.fallback; });
  record["host_latency_us_median"] = latency.median_us;
  record["host_latency_us_spread"] = latency.p90_us - latency.p10_us;
  return {};
}

/// "cortex-m4" is "cortex_m4" in a record's keys.
std::string key_prefix(const std::string& target) {
  std::string prefix = target + "_";
  std::replace(prefix.begin(), prefix.end(), '-', '_');
  return prefix;
}

Status measure_target(const std::string& name, const StepContext& context, const Graph& graph,
                      Json& record) {
  const std::string prefix = key_prefix(name);
  const char* keys[] = {"instructions", "flash_bytes", "ram_peak_bytes", "outputs_equal_host"};
  for (const char* key : keys) record[prefix + key] = nullptr;
  if (!graph.quantized()) return {};
  COPPICE_TRY(const auto target, deploy::find_target(name));
  const auto folder = context.work_folder / name;
  const auto result = deploy::measure(graph, target, folder);
  std::error_code ignored;
  std::filesystem::remove_all(context.work_folder, ignored);
  if (!result.ok()) return result.error();
  record[prefix + "instructions"] = result->instructions;
  record[prefix + "flash_bytes"] = result->flash_bytes;
  record[prefix + "ram_peak_bytes"] = result->ram_peak_bytes;
  record[prefix + "outputs_equal_host"] = result->outputs_equal_host;
  return {};
}

Status measure_model(const Json& options, const StepContext& context, const Graph& graph,
                     Json& record) {
  const auto measure = measure_table().options<MeasureOptions>(options);
  for (const std::string& target : measure.targets) {
    const Status status = target == "host" ? measure_host(measure, graph, record)
                                           : measure_target(target, context, graph, record);
    COPPICE_TRY_STATUS(status);
  }
  return {};
}

Status scan_model(const Json& options, const StepContext& context, const Graph& graph,
                  Json& record) {
  auto step = sensitivity_table().options<SensitivityStep>(options);
  step.seed = context.seed;
  step.threads = context.threads;
  COPPICE_TRY(const auto report, prune::scan_sensitivity(graph, *context.dataset, step, step));
  record["sensitivity"] = {{"metric", report.metric},
                           {"layers", report.layers},
                           {"weights", report.weights},
                           {"sparsities", report.sparsities},
                           {"values", report.values}};
  return {};
}

struct RecordStep {
  const char* name;
  Status (*run)(const Json& options, const StepContext& context, const Graph& graph, Json& record);
};
constexpr RecordStep kRecordSteps[] = {
    {"evaluate", evaluate_model}, {"measure", measure_model}, {"sensitivity", scan_model}};

Error in_step(const std::string& name, const Error& error) {
  return Error{error.code, name + ": " + error.message};
}

Error no_such_step(const std::string& name) {
  return Error{ErrorCode::kInvalidArgument, fmt::format("there is no step \"{}\" here", name)};
}

}  // namespace

Result<Graph> start_model(const Json& model, const Json& dataset_config,
                          const data::Dataset& dataset, uint64_t seed) {
  const auto& classes = dataset.class_names();
  COPPICE_TRY(Graph graph,
              build_model(model, dataset.sample_shape(), static_cast<int>(classes.size()), seed));
  const auto outputs = graph.output_shape().elements();
  if (outputs != static_cast<int64_t>(classes.size()) ||
      !(graph.input_shape() == dataset.sample_shape())) {
    return Error{ErrorCode::kConfig,
                 fmt::format("the model has {} inputs and {} outputs; dataset {} has samples of {} "
                             "values in {} classes",
                             graph.input_shape().elements(), outputs, dataset.name(),
                             dataset.sample_shape().elements(), classes.size())};
  }
  graph.class_names = classes;
  Provenance provenance = provenance_of(graph);
  provenance.seed = seed;
  provenance.dataset = dataset_config;
  provenance.model = model;
  set_provenance(graph, provenance);
  return graph;
}

Status run_model_step(const std::string& name, const Json& options, const StepContext& context,
                      Graph& graph) {
  const ModelStep* step = find_model_step(name);
  if (step == nullptr) return no_such_step(name);
  Provenance provenance = provenance_of(graph);
  const auto start = std::chrono::steady_clock::now();
  auto result = step->run(options, context, graph);
  if (!result.ok()) return in_step(name, result.error());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (!result->contains("seconds")) (*result)["seconds"] = elapsed.count();
  provenance.steps.push_back({{"step", name}, {"options", options}, {"result", *result}});
  set_provenance(graph, provenance);
  return {};
}

Status run_record_step(const std::string& name, const Json& options, const StepContext& context,
                       const Graph& graph, Json& record) {
  for (const RecordStep& step : kRecordSteps) {
    if (name != step.name) continue;
    if (const Status status = step.run(options, context, graph, record); !status.ok()) {
      return in_step(name, status.error());
    }
    return {};
  }
  return no_such_step(name);
}

Status add_cost(const Graph& graph, Json& record) {
  COPPICE_TRY(const Graph deployed, fuse_for_inference(graph));
  const Cost cost = measure_cost(deployed);
  record["parameters_total"] = cost.parameters_total;
  record["parameters_nonzero"] = cost.parameters_nonzero;
  record["macs_dense"] = cost.macs_dense;
  record["macs_effective"] = cost.macs_effective;
  record["flash_bytes"] = cost.flash_bytes;
  record["smallest_storage_bytes"] = smallest_storage_bytes(deployed);
  record["ram_peak_bytes"] = cost.ram_peak_bytes;
  return {};
}

Interval wilson_interval(int correct, int samples) {
  if (samples == 0) return {};
  constexpr double kZ = 1.959963984540054;  // 97.5 % point of the normal distribution.
  const double n = samples;
  const double share = correct / n;
  const double denominator = 1 + kZ * kZ / n;
  const double centre = (share + kZ * kZ / (2 * n)) / denominator;
  const double half = kZ * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n)) / denominator;
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace coppice::sweep
