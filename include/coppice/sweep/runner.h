#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "coppice/sweep/config.h"
#include "coppice/sweep/grid.h"
#include "coppice/train/fit.h"

namespace coppice::sweep {

struct RunOptions {
  std::filesystem::path folder;  ///< Results, models, and what is needed to go on after a stop.
  int jobs = 1;                  ///< Trials at a time; they share the cores.
  int limit = 0;                 ///< At most so many trials in this run; 0: all.
  bool retry_failed = false;     ///< Run trials again whose record says "failed".
  std::string command;           ///< Noted in env.json: how to do this again.
};

/// What is going on, for whoever watches.
struct StepProgress {
  std::string trial_id;
  std::string step;
  train::Progress training;  ///< Zeros unless the step trains.
};

/// Called from the runner's threads, one call at a time. Empty functions are not called.
struct RunCallbacks {
  std::function<void(const std::string&)> on_note;
  std::function<void(int finished, int trials)> on_start;  ///< Before the first trial.
  std::function<void(const StepProgress&)> on_step;
  std::function<void(const Json& record, int finished, int trials)> on_trial;
};

struct RunSummary {
  int trials = 0;    ///< Of the config.
  int finished = 0;  ///< With a record, now.
  int failed = 0;    ///< Of those, failed ones.
  int ran = 0;       ///< Records written by this run.
};

/// Runs every trial of the config that has no record in the folder yet.
///
/// Steps that trials share are run once; their models stay in models/<key>.safetensors and are used
/// again by a later run. A record is appended to results.jsonl when its trial is finished, so a
/// process that is killed at any moment loses only work. A trial that fails gets a record with
/// "status": "failed" and "error". Written as well: config.resolved.json, env.json.
///
/// Errors: another sweep in the folder, a dataset that cannot be opened, a model that does not fit
/// it, a damaged results.jsonl, a missing toolchain, a full disk.
Result<RunSummary> run(const Config& config, const RunOptions& options,
                       const RunCallbacks& callbacks = {});

/// The trials of the config that have no finished record in `folder` (which need not exist).
Result<std::vector<Trial>> pending_trials(const Config& config, const RunOptions& options);

/// This machine and program, as in env.json.
Json environment();

}  // namespace coppice::sweep
