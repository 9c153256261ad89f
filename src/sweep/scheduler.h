#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>

#include "sweep/work_tree.h"

namespace coppice::sweep {

/// Something a worker can do now: make a node's model, or finish a trial whose model is made.
struct Task {
  int priority = 0;
  bool is_trial = false;
  int index = 0;  ///< Of the node or the trial.

  friend bool operator<(const Task& a, const Task& b) {
    if (a.priority != b.priority) return a.priority < b.priority;
    if (a.is_trial != b.is_trial) return a.is_trial;  // Finish before making more.
    return a.index < b.index;
  }
};

/// Hands tasks to workers: each node after its parent, each trial after its node, earlier trials
/// first. A shared node is a single task, so no two workers ever make the same model.
class Scheduler {
 public:
  explicit Scheduler(WorkTree& tree);

  /// The next task; waits while others may still make one ready. Nothing: the work is over.
  std::optional<Task> next();

  /// Makes what hangs on the task ready, and frees models that nobody needs any more.
  void finish(const Task& task);

  /// No task is handed out after this.
  void stop();

 private:
  void release(int node);

  WorkTree& tree_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<Task> ready_;
  int running_ = 0;
  bool stopped_ = false;
};

}  // namespace coppice::sweep
