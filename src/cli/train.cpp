#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/field_flags.h"
#include "cli/model_dataset.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "coppice/io/model_file.h"
#include "coppice/sweep/config.h"
#include "coppice/sweep/provenance.h"
#include "coppice/sweep/step.h"
#include "coppice/sweep/tables.h"

namespace coppice::cli {
namespace {

using sweep::Json;

struct Arguments {
  std::string config;
  std::vector<std::string> assignments;
  std::string out;
  std::string checkpoint;
  std::string teacher;
  uint64_t seed = 0;
  int threads = 0;
  FieldFlags model, dataset, train;
};

/// What to train, on what, and how: the parts of a config.
struct Settings {
  Json model = Json::object();
  Json dataset = sweep::dataset_table().defaults();
  Json options;
  bool quantized = false;  // The model that is trained on.
};

Status read_config(const Arguments& arguments, Settings& settings) {
  COPPICE_TRY(const auto config, sweep::load_config(arguments.config, arguments.assignments));
  settings.model = config.resolved["model"];
  settings.dataset = config.resolved["dataset"];
  for (const Json& step : config.resolved["steps"]) {
    if (step.contains("train") && settings.options.is_null()) settings.options = step["train"];
  }
  return {};
}

/// A swept value that no flag replaced is an error: one training takes one value.
Status refuse_swept(const Json& values, const std::string& what) {
  if (!values.is_structured()) return {};
  for (const auto& [key, value] : values.items()) {
    if (!sweep::is_swept(value)) {
      COPPICE_TRY_STATUS(refuse_swept(value, what));
      continue;
    }
    return Error{ErrorCode::kConfig,
                 fmt::format("{}: \"{}\" has several values {}; choose one with a flag or --set",
                             what, key, value["values"].dump())};
  }
  return {};
}

Result<Settings> settings_of(const Arguments& arguments) {
  Settings settings;
  if (!arguments.config.empty()) COPPICE_TRY_STATUS(read_config(arguments, settings));
  COPPICE_TRY(const Json model, arguments.model.apply(Json::object()));
  if (!model.empty()) settings.model = model;
  if (settings.model.size() != 1 && !settings.model.contains("layers")) {
    return Error{ErrorCode::kConfig, "give one of --arch, --file or --config"};
  }
  const bool from_file = settings.model.contains("file");
  if (from_file) {
    COPPICE_TRY(const Graph graph, io::load_model(settings.model["file"].get<std::string>()));
    settings.quantized = graph.quantized();
    const Json stored = sweep::provenance_of(graph).dataset;
    if (stored.is_object() && arguments.config.empty()) settings.dataset.update(stored);
  }
  const sweep::Table& table = settings.quantized ? sweep::qat_table()
                              : from_file        ? sweep::finetune_table()
                                                 : sweep::train_table();
  if (settings.options.is_null()) {
    settings.options = table.defaults();
    settings.options.erase(sweep::kOnlyAfterPruning);
  }
  COPPICE_TRY(settings.dataset, arguments.dataset.apply(std::move(settings.dataset)));
  COPPICE_TRY(settings.options, arguments.train.apply(std::move(settings.options)));
  for (const auto& [key, value] : settings.options.items()) {
    if (table.find(key) != nullptr) continue;
    return Error{ErrorCode::kConfig,
                 fmt::format("--{} is no option of the step \"{}\", which this model takes", key,
                             table.name())};
  }
  COPPICE_TRY_STATUS(refuse_swept(settings.model, "model"));
  COPPICE_TRY_STATUS(refuse_swept(settings.dataset, "dataset"));
  COPPICE_TRY_STATUS(refuse_swept(settings.options, "train"));
  return settings;
}

/// A bar with the running loss on a terminal, else one line an epoch.
class TrainingWatcher {
 public:
  train::TrainCallbacks callbacks() {
    train::TrainCallbacks result;
    result.on_batch = [this](const train::Progress& progress) {
      if (::isatty(STDERR_FILENO) == 0) return;
      if (!bar_) bar_.emplace("train", int64_t{progress.epochs} * progress.batches);
      bar_->update(int64_t{progress.epoch - 1} * progress.batches + progress.batch,
                   fmt::format("epoch {}/{} loss {:.3f} accuracy {:.1f} %", progress.epoch,
                               progress.epochs, progress.loss, 100 * progress.accuracy));
    };
    result.on_epoch = [](const train::EpochReport& epoch) {
      if (::isatty(STDERR_FILENO) != 0) return;
      fmt::print(stderr,
                 "epoch {}: loss {:.4f}, accuracy {:.2f} %, validation {:.2f} %, {:.1f} s\n",
                 epoch.epoch, epoch.train_loss, 100 * epoch.train_accuracy,
                 100 * epoch.validation_accuracy, epoch.seconds);
    };
    return result;
  }
  void finish() {
    if (bar_) bar_->finish();
  }

 private:
  std::optional<ProgressBar> bar_;
};

Status train_model(const Arguments& arguments) {
  COPPICE_TRY(const Settings settings, settings_of(arguments));
  COPPICE_TRY(const auto dataset, open_configured_dataset(settings.dataset));
  COPPICE_TRY(Graph graph,
              sweep::start_model(settings.model, settings.dataset, *dataset, arguments.seed));
  const bool trained_before = !sweep::provenance_of(graph).steps.empty();
  const std::string step = settings.quantized ? "qat" : trained_before ? "finetune" : "train";
  TrainingWatcher watcher;
  sweep::StepContext context;
  context.dataset = dataset.get();
  context.seed = arguments.seed;
  context.threads = arguments.threads;
  context.checkpoint = arguments.checkpoint;
  context.callbacks = watcher.callbacks();
  if (!arguments.teacher.empty()) {
    context.teacher = [&] { return io::load_model(arguments.teacher); };
  }
  const Status trained = sweep::run_model_step(step, settings.options, context, graph);
  watcher.finish();
  COPPICE_TRY_STATUS(trained);
  COPPICE_TRY_STATUS(io::save_model(graph, arguments.out));
  const Json result = sweep::provenance_of(graph).steps.back()["result"];
  const Json& log = result["log"];
  const auto best = static_cast<size_t>(result["best_epoch"].get<int>());
  if (best >= 1 && best <= log.size() && dataset->size(data::Split::kValidation) > 0) {
    fmt::print("validation {:.2f} % (epoch {} of {})\n",
               100 * log[best - 1]["validation_accuracy"].get<double>(), best, log.size());
  }
  fmt::print("{}\n", arguments.out);
  return {};
}

}  // namespace

void add_train(CLI::App& app, ExitStatus& status) {
  auto* verb = app.add_subcommand("train", "Train a network, or fine-tune a model file");
  verb->footer(
      "A model file is fine-tuned: pruned weights stay zero, defaults are those of \"finetune\"; "
      "a\n"
      "quantized one is trained for its integers, with the defaults of \"qat\".\n"
      "Example: coppice train --arch ds_cnn --dataset.path data/synth_speech --epochs 20 --out "
      "m.safetensors");
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("-o,--out", arguments->out, "Model file to write")->required();
  verb->add_option("--config", arguments->config,
                   "Take dataset, model and training from this config");
  verb->add_option("--set", arguments->assignments,
                   "Change a value of the config: path.to.key=value")
      ->allow_extra_args(false)
      ->needs("--config");
  verb->add_option("--seed", arguments->seed, "Initial weights and shuffling");
  verb->add_option("--threads", arguments->threads,
                   "0: all cores; the result does not depend on it")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--checkpoint", arguments->checkpoint,
                   "File that is written each epoch; training goes on from it when it is there");
  verb->add_option("--teacher", arguments->teacher,
                   "Float model file whose outputs --distillation follows");
  arguments->model.add_to(*verb, sweep::model_table());
  arguments->train.add_to(*verb, sweep::qat_table());
  arguments->dataset.add_to(*verb, sweep::dataset_table(), "dataset.");
  verb->callback([arguments, &status] {
    const Status result = train_model(*arguments);
    status = result.ok() ? kSuccess : report_config_error(result.error());
  });
}

}  // namespace coppice::cli
