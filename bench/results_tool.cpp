// Turns the JSON of benchmark programs into the tables of docs/results/.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "support/results.h"

namespace {

constexpr const char* kUsage =
    "Usage: results compare RUN.json...     our fastest beside each peer, a row for each work\n"
    "       results breakeven RUN.json...   break-even sparsities of breakeven_bench, run by run\n"
    "       results executors RUN.json      every contender of breakeven_bench by sparsity\n"
    "       results limits RUN.json         what limits_bench found\n"
    "       results draw FOLDER RUN.json    break-even curves as SVG\n\n"
    "RUN.json is what --benchmark_out=RUN.json wrote. The tables are Markdown.\n";

using namespace coppice;
using namespace coppice::bench;

Result<std::string> compare(const std::vector<std::string>& paths) {
  COPPICE_TRY(std::string text, describe_machine(paths[0]));
  std::vector<Medians> runs;
  for (const auto& path : paths) {
    COPPICE_TRY(Medians run, read_run(path));
    runs.push_back(std::move(run));
  }
  return text + fmt::format(" Runs: {}.\n\n", runs.size()) + comparison_table(runs);
}

Result<std::string> breakeven(const std::vector<std::string>& paths) {
  std::string text;
  for (const auto& path : paths) {
    COPPICE_TRY(const std::string machine, describe_machine(path));
    COPPICE_TRY(const Medians run, read_run(path));
    text += machine + "\n\n" + break_even_table(sparse_curves(run)) + "\n";
  }
  return text;
}

Result<std::string> executors(const std::vector<std::string>& paths) {
  COPPICE_TRY(const std::string machine, describe_machine(paths[0]));
  COPPICE_TRY(const Medians run, read_run(paths[0]));
  return machine + "\n\n" + executors_table(run);
}

Result<std::string> limits(const std::vector<std::string>& paths) {
  COPPICE_TRY(const std::string machine, describe_machine(paths[0]));
  COPPICE_TRY(const std::string table, limits_table(paths[0]));
  return machine + "\n\n" + table;
}

Result<std::string> draw(const std::vector<std::string>& paths) {
  COPPICE_TRY(const Medians run, read_run(paths[1]));
  COPPICE_TRY_STATUS(draw_curves(sparse_curves(run), paths[0]));
  return std::string();
}

struct Verb {
  std::string_view name;
  size_t least_paths;
  Result<std::string> (*run)(const std::vector<std::string>& paths);
};
constexpr Verb kVerbs[] = {{"compare", 1, compare},
                           {"breakeven", 1, breakeven},
                           {"executors", 1, executors},
                           {"limits", 1, limits},
                           {"draw", 2, draw}};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "";
  if (name == "--help") return fmt::print("{}", kUsage), 0;
  const std::vector<std::string> paths(argv + std::min(argc, 2), argv + argc);
  for (const Verb& verb : kVerbs) {
    if (verb.name != name || paths.size() < verb.least_paths) continue;
    const auto text = verb.run(paths);
    if (!text.ok()) {
      fmt::print(stderr, "error: {}\n", text.error().message);
      return 1;
    }
    fmt::print("{}", *text);
    return 0;
  }
  fmt::print(stderr, "{}", kUsage);
  return 2;
}
