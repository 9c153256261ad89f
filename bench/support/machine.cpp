#include "support/machine.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "support/machine_loops.h"

namespace coppice::bench {
namespace {

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

const std::vector<ComputeLoop>& compute_loops() {
  static const std::vector<ComputeLoop> loops = {
#if defined(__x86_64__)
    {"fma ymm", Isa::kAvx2, Arithmetic::kFloat, 12 * 8, fma_ymm},
    {"maddubs+madd+add ymm", Isa::kAvx2, Arithmetic::kInt8, 12 * 32, maddubs_ymm},
    {"vpdpbusd ymm", Isa::kAvxVnni, Arithmetic::kInt8, 12 * 32, vnni_ymm},
    {"fma zmm", Isa::kAvx512, Arithmetic::kFloat, 12 * 16, fma_zmm},
    {"maddubs+madd+add zmm", Isa::kAvx512, Arithmetic::kInt8, 12 * 64, maddubs_zmm},
    {"vpdpbusd zmm", Isa::kAvx512Vnni, Arithmetic::kInt8, 12 * 64, vnni_zmm},
#endif
  };
  return loops;
}

const std::vector<LoadLoop>& load_loops() {
  static const std::vector<LoadLoop> loops = {
#if defined(__x86_64__)
    {"load ymm", Isa::kAvx2, load_ymm},
    {"load zmm", Isa::kAvx512, load_zmm},
#endif
  };
  return loops;
}

double peak_mac_rate(Isa limit, Arithmetic arithmetic) {
  constexpr int kRounds = 200000, kRuns = 9;  // About 1 ms a run.
  double best = 0;
  for (const ComputeLoop& loop : compute_loops()) {
    if (loop.arithmetic != arithmetic || !isa_allowed(loop.isa, limit)) continue;
    for (int run = 0; run < kRuns; ++run) {
      const double begin = thread_seconds();
      loop.run(kRounds);
      best = std::max(best, loop.macs_per_round * kRounds / (thread_seconds() - begin));
    }
  }
  return best;
}

double peak_load_rate(Isa limit, size_t bytes) {
  constexpr size_t kStep = 512, kRunBytes = size_t{16} << 20;
  constexpr int kRuns = 9;
  bytes = std::max(bytes / kStep, size_t{1}) * kStep;
  const int rounds = static_cast<int>(std::max(kRunBytes / bytes, size_t{1}));
  const std::unique_ptr<void, void (*)(void*)> buffer(std::aligned_alloc(kStep, bytes), std::free);
  std::memset(buffer.get(), 1, bytes);
  double best = 0;
  for (const LoadLoop& loop : load_loops()) {
    if (!isa_allowed(loop.isa, limit)) continue;
    for (int run = 0; run < kRuns; ++run) {
      const double begin = thread_seconds();
      loop.run(buffer.get(), bytes, rounds);
      const double all = static_cast<double>(bytes) * rounds;
      best = std::max(best, all / (thread_seconds() - begin));
    }
  }
  return best;
}

size_t cache_bytes(int level) {
  const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  const long bytes = sysconf(names[level - 1]);
  return bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

}  // namespace coppice::bench
