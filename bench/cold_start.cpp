// One cold start, in a process that has done nothing else: opens a model file, compiles it and runs
// it once. Prints the microseconds of CPU time that this took and the most memory that was
// resident, in KiB.
#include <time.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "coppice/exec/plan.h"
#include "coppice/io/model_file.h"

namespace {

// Of this process, so that what else runs on the machine does not count.
double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

// "VmHWM: 5120 kB"; getrusage() would count the parent's pages from before exec().
long most_resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stol(line.substr(6));
  }
  return 0;
}

coppice::Status start(const char* path) {
  using namespace coppice;
  const double begin = cpu_us();
  COPPICE_TRY(Graph graph, io::load_model(path));
  COPPICE_TRY(const auto plan,
              exec::compile(std::move(graph), {.executor = exec::Executor::kDense}));
  std::vector<float> input(static_cast<size_t>(plan->graph().input_shape().elements()), 0.5f);
  std::vector<float> output(static_cast<size_t>(plan->graph().output_shape().elements()));
  plan->run(input, output);
  const double took = cpu_us() - begin;
  std::printf("%.1f %ld\n", took, most_resident_kib());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "Usage: cold_start MODEL.safetensors\n"), 2;
  const auto status = start(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "error: %s\n", status.error().message.c_str());
  return status.ok() ? 0 : 1;
}
