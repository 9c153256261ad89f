#include "sweep/model_steps.h"

#include <algorithm>
#include <optional>

#include "coppice/prune/prune.h"
#include "coppice/prune/schedule.h"
#include "coppice/prune/shared_values.h"
#include "coppice/quant/qat.h"
#include "coppice/quant/quantize.h"
#include "coppice/sweep/tables.h"

namespace coppice::sweep {
namespace {

void set_context(const StepContext& context, train::TrainOptions& options) {
  options.seed = context.seed;
  options.threads = context.threads;
  options.checkpoint = context.checkpoint;
}

void set_context(const StepContext& context, prune::PruneOptions& options) {
  options.seed = context.seed;
  options.threads = context.threads;
}

/// The teacher, where the options ask for one.
Result<std::optional<Graph>> teacher_for(const train::TrainOptions& options,
                                         const StepContext& context) {
  if (options.distillation == 0.0f) return std::optional<Graph>();
  if (!context.teacher) {
    return Error{ErrorCode::kConfig, "distillation is above 0, but no teacher is given"};
  }
  COPPICE_TRY(Graph teacher, context.teacher());
  return std::optional<Graph>(std::move(teacher));
}

const Graph* pointer_to(const std::optional<Graph>& graph) { return graph ? &*graph : nullptr; }

Json training_log(const train::FitReport& report) {
  Json log = Json::array();
  double seconds = 0;  // Also of epochs before a stop.
  for (const train::EpochReport& epoch : report.epochs) {
    seconds += epoch.seconds;
    log.push_back({{"epoch", epoch.epoch},
                   {"learning_rate", shortest_decimal(epoch.learning_rate)},
                   {"train_loss", epoch.train_loss},
                   {"train_accuracy", epoch.train_accuracy},
                   {"validation_loss", epoch.validation_loss},
                   {"validation_accuracy", epoch.validation_accuracy}});
  }
  return Json{{"epochs", report.epochs.size()},
              {"best_epoch", report.best_epoch},
              {"seconds", seconds},
              {"log", std::move(log)}};
}

Result<Json> fit_model(const Table& table, const Json& options, const StepContext& context,
                       Graph& graph) {
  auto train = table.options<train::TrainOptions>(options);
  set_context(context, train);
  COPPICE_TRY(const auto teacher, teacher_for(train, context));
  COPPICE_TRY(const auto report, train::fit(graph, *context.dataset, train, context.callbacks,
                                            {pointer_to(teacher), nullptr}));
  return training_log(report);
}

Result<Json> train_model(const Json& options, const StepContext& context, Graph& graph) {
  return fit_model(train_table(), options, context, graph);
}

Result<Json> finetune_model(const Json& options, const StepContext& context, Graph& graph) {
  return fit_model(finetune_table(), options, context, graph);
}

Json pruning_result(const prune::PruneReport& report) {
  Json layers = Json::object();
  for (const prune::LayerSparsity& layer : report.layers) {
    layers[layer.layer] = {{"weights", layer.weights}, {"kept", layer.kept}};
  }
  return Json{{"sparsity_requested", report.sparsity_requested},
              {"sparsity_achieved", report.sparsity_achieved},
              {"layers", std::move(layers)}};
}

bool has_batch_norm(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const Node& node) { return std::holds_alternative<BatchNorm>(node.op); });
}

Result<Json> prune_model(const Json& options, const StepContext& context, Graph& graph) {
  auto step = prune_table().options<PruneStep>(options);
  set_context(context, static_cast<prune::PruneOptions&>(step));
  COPPICE_TRY(const auto report, prune::apply(graph, step, context.dataset));
  Json result = pruning_result(report);
  if (step.recalibrate_samples > 0 && context.dataset != nullptr && has_batch_norm(graph)) {
    COPPICE_TRY_STATUS(train::recalibrate_batch_norm(graph, *context.dataset,
                                                     step.recalibrate_samples, context.seed));
    result["recalibrated"] = true;
  }
  return result;
}

Result<Json> sparsify_model(const Json& options, const StepContext& context, Graph& graph) {
  auto step = sparsify_table().options<SparsifyStep>(options);
  set_context(context, static_cast<prune::PruneOptions&>(step));
  set_context(context, static_cast<train::TrainOptions&>(step));
  COPPICE_TRY(const auto teacher, teacher_for(step, context));
  COPPICE_TRY(const auto report, prune::train_sparse(graph, *context.dataset, step, step, step,
                                                     context.callbacks, pointer_to(teacher)));
  Json result = training_log(report.training);
  result.update(pruning_result(report.pruning));
  result.erase("seconds");  // Some schedules train several times: the step's own time counts.
  return result;
}

int64_t shared_values(const std::vector<prune::SharedLayer>& layers) {
  int64_t values = 0;
  for (const prune::SharedLayer& layer : layers) values += layer.values;
  return values;
}

template <class Step>
Result<Json> train_shared(const std::vector<prune::SharedLayer>& layers, Step& step,
                          const StepContext& context, Graph& graph) {
  set_context(context, static_cast<train::TrainOptions&>(step));
  COPPICE_TRY(const auto teacher, teacher_for(step, context));
  COPPICE_TRY(const auto report, prune::train_shared(graph, *context.dataset, layers, step,
                                                     context.callbacks, pointer_to(teacher)));
  Json result = training_log(report);
  result["shared_values"] = shared_values(layers);
  return result;
}

Result<Json> unify_model(const Json& options, const StepContext& context, Graph& graph) {
  auto step = unify_table().options<UnifyStep>(options);
  COPPICE_TRY(const auto layers, prune::unify(graph, step));
  return train_shared(layers, step, context, graph);
}

Result<Json> cluster_model(const Json& options, const StepContext& context, Graph& graph) {
  auto step = cluster_table().options<ClusterStep>(options);
  COPPICE_TRY(const auto layers, prune::cluster(graph, step));
  return train_shared(layers, step, context, graph);
}

Result<Json> remove_dead_channels(const Json& options, const StepContext& context, Graph& graph) {
  const auto step = dead_channel_table().options<DeadChannelStep>(options);
  COPPICE_TRY(const auto report,
              prune::remove_dead_channels(graph, *context.dataset, step.samples, context.seed));
  return Json{{"channels", report.channels}, {"removed", report.removed}};
}

Result<Json> quantize_model(const Json& options, const StepContext& context, Graph& graph) {
  auto quantize = quantize_table().options<quant::QuantizeOptions>(options);
  quantize.seed = context.seed;
  COPPICE_TRY(graph, quant::quantize(graph, *context.dataset, quantize));
  const bool chosen = quantize.budget_ram_bytes > 0;
  const int activation_bits = !chosen ? quantize.activation_bits : graph.wide() ? 16 : 8;
  return Json{{"weight_bits", quantize.weight_bits}, {"activation_bits", activation_bits}};
}

Result<Json> qat_model(const Json& options, const StepContext& context, Graph& graph) {
  auto train = qat_table().options<train::TrainOptions>(options);
  set_context(context, train);
  const auto stages = options.value(kProgressiveBits, std::vector<int>());
  COPPICE_TRY(const auto teacher, teacher_for(train, context));
  COPPICE_TRY(const auto report, quant::train_in_stages(graph, *context.dataset, train, stages,
                                                        context.callbacks, pointer_to(teacher)));
  return training_log(report);
}

constexpr ModelStep kModelSteps[] = {
    {"train", train_model},       {"prune", prune_model},
    {"sparsify", sparsify_model}, {"finetune", finetune_model},
    {"unify", unify_model},       {"cluster", cluster_model},
    {"quantize", quantize_model}, {"remove_dead_channels", remove_dead_channels},
    {"qat", qat_model},
};

}  // namespace

const ModelStep* find_model_step(std::string_view name) {
  const auto step = std::find_if(std::begin(kModelSteps), std::end(kModelSteps),
                                 [&](const ModelStep& entry) { return name == entry.name; });
  return step == std::end(kModelSteps) ? nullptr : step;
}

}  // namespace coppice::sweep
