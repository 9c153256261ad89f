#include "sweep/scheduler.h"

namespace coppice::sweep {

Scheduler::Scheduler(WorkTree& tree) : tree_(tree) {
  for (const int root : tree_.roots) {
    ready_.insert({tree_.nodes[static_cast<size_t>(root)].priority, false, root});
  }
}

std::optional<Task> Scheduler::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || !ready_.empty() || running_ == 0; });
  if (stopped_ || ready_.empty()) return std::nullopt;
  const Task task = *ready_.begin();
  ready_.erase(ready_.begin());
  ++running_;
  return task;
}

void Scheduler::finish(const Task& task) {
  const std::lock_guard lock(mutex_);
  --running_;
  if (task.is_trial) {
    release(tree_.node_of_trial[static_cast<size_t>(task.index)]);
  } else {
    const WorkNode& node = tree_.nodes[static_cast<size_t>(task.index)];
    for (const int child : node.children) {
      ready_.insert({tree_.nodes[static_cast<size_t>(child)].priority, false, child});
    }
    for (const int trial : node.trials) ready_.insert({trial, true, trial});
    const bool made_from_parent = !node.stored && node.parent >= 0;
    if (made_from_parent) release(node.parent);
  }
  changed_.notify_all();
}

void Scheduler::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void Scheduler::release(int node) {
  WorkNode& entry = tree_.nodes[static_cast<size_t>(node)];
  if (--entry.users == 0) entry.model.reset();
}

}  // namespace coppice::sweep
