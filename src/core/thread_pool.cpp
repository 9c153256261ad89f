#include "coppice/core/thread_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace coppice {

int available_cores() {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  const unsigned cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : static_cast<int>(cores);
}

namespace {

// How often to look before going to sleep: some 20 microseconds. Waking a thread costs about as
// much, and a training step hands out work some forty times.
constexpr int kSpins = 1000;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;  // Guards going to sleep and waking up.
  std::condition_variable work_ready;
  std::condition_variable work_done;
  Call call = nullptr;
  const void* context = nullptr;
  int count = 0;
  std::atomic<int> next{0};
  std::atomic<int> busy{0};
  std::atomic<uint64_t> generation{0};
  std::atomic<bool> stopping{false};
  int spins = 0;
  std::vector<std::thread> workers;

  void drain() {
    for (int i = next.fetch_add(1); i < count; i = next.fetch_add(1)) call(context, i);
  }

  template <class Ready>
  void wait(std::condition_variable& condition, Ready ready) {
    for (int i = 0; i < spins; ++i) {
      if (ready()) return;
      pause_briefly();
    }
    std::unique_lock lock(mutex);
    condition.wait(lock, ready);
  }

  void notify(std::condition_variable& condition) {
    { std::lock_guard lock(mutex); }  // Whoever saw the old state has gone to sleep by now.
    condition.notify_all();
  }

  void worker_loop() {
    for (uint64_t seen = 0;;) {
      wait(work_ready, [&] { return stopping.load() || generation.load() != seen; });
      if (stopping.load()) return;
      ++seen;
      drain();
      if (busy.fetch_sub(1) == 1) notify(work_done);
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads <= 0) threads = available_cores();
  if (threads <= available_cores()) state_->spins = kSpins;  // Else others need the core.
  for (int i = 1; i < threads; ++i) {
    state_->workers.emplace_back([state = state_.get()] { state->worker_loop(); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stopping = true;
  state_->notify(state_->work_ready);
  for (auto& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::run_erased(int count, Call call, const void* context) {
  if (state_->workers.empty() || count <= 1) {
    for (int i = 0; i < count; ++i) call(context, i);
    return;
  }
  state_->call = call;
  state_->context = context;
  state_->count = count;
  state_->next = 0;
  state_->busy = static_cast<int>(state_->workers.size());
  ++state_->generation;
  state_->notify(state_->work_ready);
  state_->drain();
  state_->wait(state_->work_done, [&] { return state_->busy.load() == 0; });
}

}  // namespace coppice
