#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "coppice/sweep/journal.h"
#include "coppice/sweep/runner.h"
#include "coppice/sweep/step.h"
#include "sweep/dataset_cache.h"
#include "sweep/scheduler.h"
#include "sweep/work_tree.h"

namespace coppice::sweep {

/// Does the tasks of one run, in as many threads as it has jobs.
class WorkShop {
 public:
  WorkShop(const std::vector<Trial>& trials, const RunOptions& options,
           const RunCallbacks& callbacks, DatasetCache& datasets, Journal& journal);

  /// Works until all trials have a record. An error is one that stops the run, such as a full disk.
  Status run(int finished_before, int trials_in_all);

  int ran() const { return ran_; }
  int failed() const { return failed_; }

 private:
  void work();
  void make_model(WorkNode& node);
  Result<Graph> initial_model(const Trial& trial);
  Status apply_step(const WorkNode& node, Graph& graph);
  Result<Graph> teacher_of(const Trial& trial);
  Status store(WorkNode& node, Graph graph);
  void finish_trial(const Trial& trial, const WorkNode& node);
  Status look_at_model(const Trial& trial, const WorkNode& node, Json& record);
  Result<Json> look_once(const Trial& trial, const TrialStep& step, const WorkNode& node,
                         const StepContext& context);
  void report_step(const Trial& trial, const std::string& step, const train::Progress& progress);
  void stop_with(const Error& error);

  const std::vector<Trial>& trials_;
  const RunOptions& options_;
  const RunCallbacks& callbacks_;
  DatasetCache& datasets_;
  Journal& journal_;
  std::filesystem::path models_;
  int threads_;
  WorkTree tree_;
  Scheduler scheduler_;
  std::mutex mutex_;  ///< Guards the journal, the counts, the callbacks and what was seen.
  /// What steps that look at a model found, by model, step and options: trials that differ in how
  /// they measure are evaluated once.
  std::map<std::string, Json> seen_;
  std::optional<Error> fatal_;
  int finished_ = 0;
  int trials_in_all_ = 0;
  int ran_ = 0;
  int failed_ = 0;
};

}  // namespace coppice::sweep
