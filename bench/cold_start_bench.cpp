// From a model file to the first answer, each time in a new process (bench/cold_start.cpp):
// wall-clock time without what the system needs to start a program, and the most memory that was
// resident.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "coppice/core/process.h"
#include "coppice/io/model_file.h"
#include "support/harness.h"
#include "support/workload.h"

namespace coppice::bench {
namespace {

namespace fs = std::filesystem;

void start_once(benchmark::State& state, const std::vector<std::string>& command,
                double& most_kib) {
  double took_us = 0, kib = 0;
  const auto child = run_process(command);
  if (!child.ok() || std::sscanf(child->output.c_str(), "%lf %lf", &took_us, &kib) != 2) {
    return state.SkipWithError("cold_start gave no answer");
  }
  state.SetIterationTime(1e-6 * took_us);
  most_kib = std::max(most_kib, kib);
}

void add(const char* arch, std::optional<Rounding> rounding, const fs::path& folder) {
  const auto graph = make_workload(arch, rounding);
  const auto path = folder / fmt::format("{}_{}.safetensors", arch, rounding ? "int8" : "float");
  if (!graph.ok() || !io::save_model(*graph, path.string()).ok()) return;
  const auto program = fs::read_symlink("/proc/self/exe").parent_path() / "cold_start";
  const std::vector<std::string> command{program.string(), path.string()};
  benchmark::RegisterBenchmark(fmt::format("{}/{}", arch, type_name(*graph)).c_str(),
                               [command](benchmark::State& state) {
                                 double most_kib = 0;
                                 for (auto _ : state) start_once(state, command, most_kib);
                                 state.counters["resident_KiB"] = most_kib;
                               })
      ->UseManualTime()
      ->Iterations(5);
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  using namespace coppice;
  bench::start(argc, argv);
  const auto folder = std::filesystem::temp_directory_path() /
                      fmt::format("coppice_cold_start_{}", static_cast<long>(::getpid()));
  std::filesystem::create_directories(folder);
  for (const char* arch : {"ds_cnn", "resnet8", "vww"}) {
    bench::add(arch, std::nullopt, folder);
    bench::add(arch, Rounding::kFloat, folder);
  }
  benchmark::RunSpecifiedBenchmarks();
  std::filesystem::remove_all(folder);
  return 0;
}
