#pragma once

#include <memory>
#include <type_traits>

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
  /// must not call run() on its own pool. Allocates nothing.
  template <class Task>
  void run(int count, Task&& task) {
    using Callable = std::remove_reference_t<Task>;
    const auto call = [](const void* context, int i) {
      (*const_cast<Callable*>(static_cast<const Callable*>(context)))(i);
    };
    run_erased(count, call, &task);
  }

 private:
  using Call = void (*)(const void* context, int index);
  void run_erased(int count, Call call, const void* context);

  struct State;
  std::unique_ptr<State> state_;
};

/// Cores that this process may use (its affinity mask, not the machine's total).
int available_cores();

}  // namespace coppice
