#pragma once

#include <functional>
#include <memory>

namespace coppice {

/// A fixed set of threads that run index ranges. Which thread runs which index is not defined, so
/// callers make results independent of it: one output slot an index, reductions in index order.
class ThreadPool {
 public:
  /// `threads` counts the caller: 1 starts none. 0 means one for each core this process may use.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Calls task(i) for each i in [0, count) and returns when all are done. Not reentrant: a task
  /// must not call run() on its own pool.
  void run(int count, const std::function<void(int)>& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Cores that this process may use (its affinity mask, not the machine's total).
int available_cores();

}  // namespace coppice
