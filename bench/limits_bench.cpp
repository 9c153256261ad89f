// What one core of this machine can do, by instruction set: multiply-accumulates on registers, and
// loads from each level of memory. Names are <arithmetic>/<loop> and load/<level>/<loop>.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "support/harness.h"
#include "support/machine.h"

namespace coppice::bench {
namespace {

constexpr int kComputeRounds = 10000;

void add_compute(const ComputeLoop& loop) {
  const char* arithmetic = loop.arithmetic == Arithmetic::kFloat ? "float" : "int8";
  benchmark::RegisterBenchmark(
      fmt::format("{}/{}", arithmetic, loop.name).c_str(), [loop](benchmark::State& state) {
        for (auto _ : state) loop.run(kComputeRounds);
        state.counters["MAC/s"] = benchmark::Counter(loop.macs_per_round * kComputeRounds,
                                                     benchmark::Counter::kIsIterationInvariantRate);
      });
}

void add_load(const char* level, size_t bytes, const LoadLoop& loop) {
  constexpr size_t kStep = 512, kRoundBytes = size_t{1} << 20;
  bytes = bytes / kStep * kStep;
  // Small buffers are read often enough that the call costs nothing.
  const int rounds = static_cast<int>(std::max<size_t>(1, kRoundBytes / bytes));
  const std::shared_ptr<void> buffer(std::aligned_alloc(kStep, bytes), std::free);
  std::fill_n(static_cast<char*>(buffer.get()), bytes, char{1});
  benchmark::RegisterBenchmark(fmt::format("load/{}/{}", level, loop.name).c_str(),
                               [buffer, bytes, rounds, loop](benchmark::State& state) {
                                 for (auto _ : state) loop.run(buffer.get(), bytes, rounds);
                                 const double all = static_cast<double>(bytes) * rounds;
                                 state.counters["bytes/s"] = benchmark::Counter(
                                     all, benchmark::Counter::kIsIterationInvariantRate);
                                 state.counters["buffer_bytes"] = static_cast<double>(bytes);
                               });
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  using namespace coppice;
  const bench::Flags flags = bench::start(argc, argv);
  const Isa limit = flags.isa.value_or(active_isa().value());
  for (const auto& loop : bench::compute_loops()) {
    if (isa_allowed(loop.isa, limit)) bench::add_compute(loop);
  }
  // Half a level, so that what else lives there does not push the buffer out.
  for (const auto& loop : bench::load_loops()) {
    if (!isa_allowed(loop.isa, limit)) continue;
    const char* names[] = {"L1", "L2", "L3"};
    for (int level = 1; level <= 3; ++level) {
      if (const size_t bytes = bench::cache_bytes(level) / 2; bytes > 0) {
        bench::add_load(names[level - 1], bytes, loop);
      }
    }
    constexpr size_t kDramBytes = size_t{256} << 20;
    bench::add_load("DRAM", std::max(kDramBytes, 4 * bench::cache_bytes(3)), loop);
  }
  return bench::finish();
}
