#include "coppice/sweep/runner.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "coppice/core/file.h"
#include "coppice/deploy/generate.h"
#include "coppice/sweep/journal.h"
#include "coppice/sweep/step.h"
#include "coppice/sweep/tables.h"
#include "sweep/dataset_cache.h"
#include "sweep/work_shop.h"

namespace coppice::sweep {
namespace {

/// The last status of each trial that has a record.
std::map<std::string, std::string> statuses(const std::vector<Json>& records) {
  std::map<std::string, std::string> result;
  for (const Json& record : records) {
    const Json id = record.value("trial_id", Json());
    const Json status = record.value("status", Json("ok"));
    if (id.is_string() && status.is_string()) {
      result[id.get<std::string>()] = status.get<std::string>();
    }
  }
  return result;
}

std::vector<Trial> without_finished(const std::vector<Trial>& trials,
                                    const std::map<std::string, std::string>& finished,
                                    const RunOptions& options) {
  std::vector<Trial> pending;
  for (const Trial& trial : trials) {
    const auto found = finished.find(trial.id);
    const bool again = found != finished.end() && options.retry_failed && found->second != "ok";
    if (found != finished.end() && !again) continue;
    if (options.limit > 0 && static_cast<int>(pending.size()) >= options.limit) break;
    pending.push_back(trial);
  }
  return pending;
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Removes what a killed run left half done. Checkpoints stay: training goes on from them.
void clean(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(folder / "work", ignored);
  for (const auto& part : {folder, folder / "models"}) {
    for (const auto& entry : std::filesystem::directory_iterator(part, ignored)) {
      if (ends_with(entry.path().filename().string(), ".tmp")) {
        std::filesystem::remove(entry.path(), ignored);
      }
    }
  }
}

/// Whether a trial measures on a target that is not this machine.
bool needs_toolchain(const std::vector<Trial>& trials) {
  for (const Trial& trial : trials) {
    for (const TrialStep& step : trial.steps) {
      if (step.name != "measure") continue;
      for (const Json& target : step.options["targets"]) {
        if (target != "host") return true;
      }
    }
  }
  return false;
}

/// Opens every dataset, tells what was skipped, and checks that each model fits its dataset, so
/// that a wrong path or a missing program is told at once and not as a failure of each trial.
Status check_before_work(const Config& config, const std::vector<Trial>& trials,
                         const RunCallbacks& callbacks, DatasetCache& datasets) {
  if (needs_toolchain(trials)) COPPICE_TRY_STATUS(deploy::toolchain_available());
  std::set<std::string> seen;
  for (const Trial& trial : trials) {
    if (!seen.insert(trial.dataset.dump() + trial.model.dump()).second) continue;
    COPPICE_TRY(const auto dataset, datasets.open(trial.dataset));
    const auto model = start_model(trial.model, trial.dataset, *dataset, trial.seed);
    if (!model.ok()) {
      return Error{model.error().code, config.source.error_at("/model", model.error().message)};
    }
    const bool is_new = seen.insert(trial.dataset.dump()).second;
    if (is_new && !dataset->skipped().empty() && callbacks.on_note) {
      callbacks.on_note(fmt::format("dataset {}: {} broken files skipped", dataset->name(),
                                    dataset->skipped().size()));
    }
  }
  return {};
}

Status write_settings(const Config& config, const RunOptions& options) {
  Json machine = environment();
  if (!options.command.empty()) machine["command"] = options.command;
  COPPICE_TRY_STATUS(
      write_file_atomic(options.folder / "config.resolved.json", config.resolved.dump(2) + "\n"));
  return write_file_atomic(options.folder / "env.json", machine.dump(2) + "\n");
}

void note_foreign_records(const std::map<std::string, std::string>& finished,
                          const std::vector<Trial>& trials, const RunCallbacks& callbacks) {
  std::set<std::string> ours;
  for (const Trial& trial : trials) ours.insert(trial.id);
  size_t foreign = 0;
  for (const auto& entry : finished) foreign += ours.count(entry.first) == 0 ? 1 : 0;
  if (foreign > 0 && callbacks.on_note) {
    callbacks.on_note(
        fmt::format("{} records in the folder are of another config; they stay", foreign));
  }
}

}  // namespace

Result<std::vector<Trial>> pending_trials(const Config& config, const RunOptions& options) {
  COPPICE_TRY(const auto trials, expand(config));
  COPPICE_TRY(const auto records, Journal::read(options.folder / "results.jsonl"));
  return without_finished(trials, statuses(records), options);
}

Result<RunSummary> run(const Config& config, const RunOptions& options,
                       const RunCallbacks& callbacks) {
  COPPICE_TRY_STATUS(check_layer_patterns(config));
  COPPICE_TRY(const auto trials, expand(config));
  COPPICE_TRY(const auto lock, FolderLock::take(options.folder));
  COPPICE_TRY(auto journal, Journal::open(options.folder / "results.jsonl"));
  clean(options.folder);
  const auto finished = statuses(journal.records());
  note_foreign_records(finished, trials, callbacks);
  const auto pending = without_finished(trials, finished, options);

  RunSummary summary;
  summary.trials = static_cast<int>(trials.size());
  for (const Trial& trial : trials) {
    const auto found = finished.find(trial.id);
    if (found == finished.end()) continue;
    ++summary.finished;
    if (found->second != "ok") ++summary.failed;
  }
  if (pending.empty()) return summary;
  for (const Trial& trial : pending) {  // Those that are run again do not count as finished.
    if (finished.count(trial.id) == 0) continue;
    --summary.finished;
    --summary.failed;
  }

  DatasetCache datasets;
  COPPICE_TRY_STATUS(check_before_work(config, pending, callbacks, datasets));
  COPPICE_TRY_STATUS(write_settings(config, options));
  if (callbacks.on_start) callbacks.on_start(summary.finished, summary.trials);
  WorkShop shop(pending, options, callbacks, datasets, journal);
  COPPICE_TRY_STATUS(shop.run(summary.finished, summary.trials));
  summary.ran = shop.ran();
  summary.finished += shop.ran();
  summary.failed += shop.failed();
  std::error_code ignored;
  std::filesystem::remove(options.folder / "work", ignored);
  return summary;
}

}  // namespace coppice::sweep
