// Turns the JSON of benchmark programs into the tables of docs/results/.
#include <fmt/format.h>

#include <cstdio>
#include <cstring>

#include "support/results.h"

namespace {

constexpr const char* kUsage =
    "Usage: results compare RUN.json...     our fastest beside each peer, a row for each work\n"
    "       results breakeven RUN.json...   break-even sparsities of breakeven_bench\n"
    "       results draw FOLDER RUN.json    its curves as SVG\n\n"
    "RUN.json is what --benchmark_out=RUN.json wrote. Several runs: the lowest medians, and the\n"
    "median of the runs' ratios (breakeven: a table for each run).\n";

int fail(const std::string& message) {
  fmt::print(stderr, "error: {}\n", message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace coppice::bench;
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) return fmt::print("{}", kUsage), 0;
  const std::string_view verb = argc > 1 ? argv[1] : "";
  const int first = verb == "draw" ? 3 : 2;
  if (argc <= first || (verb != "compare" && verb != "breakeven" && verb != "draw")) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  std::vector<Run> runs;
  for (int i = first; i < argc; ++i) {
    auto run = read_run(argv[i]);
    if (!run.ok()) return fail(run.error().message);
    runs.push_back(std::move(*run));
  }
  if (verb == "compare") {
    fmt::print("{}", comparison_table(runs));
    return 0;
  }
  for (const Run& run : runs) {
    const auto curves = sparse_curves(run);
    if (verb == "breakeven") {
      fmt::print("{}\n", break_even_table(curves));
    } else if (const auto drawn = draw_curves(curves, argv[2]); !drawn.ok()) {
      return fail(drawn.error().message);
    }
  }
  return 0;
}
