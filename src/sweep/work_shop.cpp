#include "sweep/work_shop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>

#include "coppice/core/thread_pool.h"
#include "coppice/io/model_file.h"
#include "coppice/sweep/provenance.h"
#include "coppice/sweep/step.h"
#include "coppice/sweep/tables.h"
#include "sweep/record.h"

namespace coppice::sweep {
namespace {

/// Nothing in the library throws on purpose, but memory may run out: that costs a trial, not the
/// sweep.
template <class Work>
auto guarded(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

std::filesystem::path checkpoint_path(const std::filesystem::path& models, const std::string& key) {
  return models / (key + ".checkpoint");
}

}  // namespace

WorkShop::WorkShop(const std::vector<Trial>& trials, const RunOptions& options,
                   const RunCallbacks& callbacks, DatasetCache& datasets, Journal& journal)
    : trials_(trials),
      options_(options),
      callbacks_(callbacks),
      datasets_(datasets),
      journal_(journal),
      models_(options.folder / "models"),
      threads_(std::max(1, available_cores() / std::max(1, options.jobs))),
      tree_(build_work_tree(trials, models_)),
      scheduler_(tree_) {}

Status WorkShop::run(int finished_before, int trials_in_all) {
  finished_ = finished_before;
  trials_in_all_ = trials_in_all;
  std::vector<std::thread> threads;
  for (int i = 1; i < options_.jobs; ++i) threads.emplace_back([this] { work(); });
  work();
  for (std::thread& thread : threads) thread.join();
  if (fatal_) return *fatal_;
  return {};
}

void WorkShop::work() {
  while (const auto task = scheduler_.next()) {
    const auto index = static_cast<size_t>(task->index);
    if (task->is_trial) {
      finish_trial(trials_[index], tree_.nodes[static_cast<size_t>(tree_.node_of_trial[index])]);
    } else {
      make_model(tree_.nodes[index]);
    }
    scheduler_.finish(*task);
  }
}

void WorkShop::make_model(WorkNode& node) {
  const Status status = guarded([&]() -> Status {
    if (node.stored) {
      COPPICE_TRY(Graph graph, io::load_model(model_path(models_, node.key)));
      node.model = std::make_shared<const Graph>(std::move(graph));
      return {};
    }
    if (node.parent < 0) {
      COPPICE_TRY(Graph graph, initial_model(*node.trial));
      return store(node, std::move(graph));
    }
    const WorkNode& parent = tree_.nodes[static_cast<size_t>(node.parent)];
    if (parent.error) return *parent.error;
    Graph graph = *parent.model;
    COPPICE_TRY_STATUS(apply_step(node, graph));
    return store(node, std::move(graph));
  });
  if (!status.ok()) node.error = status.error();
}

Result<Graph> WorkShop::initial_model(const Trial& trial) {
  COPPICE_TRY(const auto dataset, datasets_.open(trial.dataset));
  return start_model(trial.model, trial.dataset, *dataset, trial.seed);
}

Status WorkShop::apply_step(const WorkNode& node, Graph& graph) {
  const Trial& trial = *node.trial;
  COPPICE_TRY(const auto dataset, datasets_.open(trial.dataset));
  StepContext context;
  context.dataset = dataset.get();
  context.seed = trial.seed;
  context.threads = threads_;
  context.checkpoint = checkpoint_path(models_, node.key);
  context.teacher = [&] { return teacher_of(trial); };
  context.callbacks.on_batch = [&](const train::Progress& progress) {
    report_step(trial, node.step->name, progress);
  };
  report_step(trial, node.step->name, {});
  return run_model_step(node.step->name, node.step->options, context, graph);
}

/// The trial's model before anything was taken from it: later models of the tree are made from it,
/// so that its file is there.
Result<Graph> WorkShop::teacher_of(const Trial& trial) {
  const std::string* key = &trial.initial_key;
  for (const TrialStep& step : trial.steps) {
    if (step.name != "train" && step.name != "finetune") break;
    if (step.options.value("distillation", 0.0) > 0) break;  // It has that teacher itself.
    key = &step.key;
  }
  if (*key == trial.initial_key) return initial_model(trial);
  return io::load_model(model_path(models_, *key));
}

/// Keeps the model for the nodes that follow and, but for a bare initial model, for later runs.
Status WorkShop::store(WorkNode& node, Graph graph) {
  if (node.step != nullptr || !node.trials.empty()) {
    if (const Status saved = io::save_model(graph, model_path(models_, node.key)); !saved.ok()) {
      stop_with(saved.error());
      return saved;
    }
    std::error_code ignored;
    std::filesystem::remove(checkpoint_path(models_, node.key), ignored);
  }
  node.model = std::make_shared<const Graph>(std::move(graph));
  return {};
}

void WorkShop::finish_trial(const Trial& trial, const WorkNode& node) {
  const auto dataset = datasets_.open(trial.dataset);
  if (!dataset.ok()) return stop_with(dataset.error());  // It was open before the first trial.
  Json record = start_record(trial, **dataset);
  const Status status = guarded([&] { return look_at_model(trial, node, record); });
  if (!status.ok()) mark_failed(status.error(), record);

  const std::lock_guard lock(mutex_);
  if (fatal_) return;
  if (const Status appended = journal_.append(record); !appended.ok()) {
    fatal_ = appended.error();
    return scheduler_.stop();
  }
  ++ran_;
  ++finished_;
  if (!status.ok()) ++failed_;
  if (callbacks_.on_trial) callbacks_.on_trial(record, finished_, trials_in_all_);
}

Status WorkShop::look_at_model(const Trial& trial, const WorkNode& node, Json& record) {
  if (node.error) return *node.error;
  record["model_file"] = "models/" + model_path({}, node.key).string();
  COPPICE_TRY_STATUS(add_model(*node.model, record));
  COPPICE_TRY(const auto dataset, datasets_.open(trial.dataset));
  StepContext context;
  context.dataset = dataset.get();
  context.seed = trial.seed;
  context.threads = threads_;
  context.work_folder = options_.folder / "work" / trial.id;
  const auto start = std::chrono::steady_clock::now();
  for (const TrialStep& step : trial.steps) {
    if (find_step_kind(step.name)->changes_model) continue;
    COPPICE_TRY(const Json found, look_once(trial, step, node, context));
    record.update(found);
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  record["wall_s"] = record["wall_s"].get<double>() + elapsed.count();
  return {};
}

Result<Json> WorkShop::look_once(const Trial& trial, const TrialStep& step, const WorkNode& node,
                                 const StepContext& context) {
  const std::string key = node.key + ' ' + step.name + ' ' + step.options.dump();
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = seen_.find(key); found != seen_.end()) return found->second;
  }
  report_step(trial, step.name, {});
  Json found = Json::object();
  COPPICE_TRY_STATUS(run_record_step(step.name, step.options, context, *node.model, found));
  const std::lock_guard lock(mutex_);
  return seen_.emplace(key, std::move(found)).first->second;
}

void WorkShop::report_step(const Trial& trial, const std::string& step,
                           const train::Progress& progress) {
  if (!callbacks_.on_step) return;
  const std::lock_guard lock(mutex_);
  callbacks_.on_step({trial.id, step, progress});
}

void WorkShop::stop_with(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!fatal_) fatal_ = error;
  scheduler_.stop();
}

}  // namespace coppice::sweep
