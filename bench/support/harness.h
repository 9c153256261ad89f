#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/cpu.h"
#include "support/contender.h"
#include "support/results.h"

// What the benchmark programs share: flags, defaults, and the timed loop.

namespace coppice::bench {

/// Flags of ours, beside Google Benchmark's.
struct Flags {
  std::optional<Isa> isa = {};  ///< --isa=NAME: keep everybody to this instruction set.
  std::string figures;          ///< --figures=FOLDER: where breakeven_bench draws its curves.
};

/// Reads our flags and hands the rest to Google Benchmark, whose defaults become those of a fair
/// comparison: repetitions in random order, aggregates only. Ends the program on a wrong flag.
Flags start(int argc, char** argv);

/// Registers "<prefix>/<entrant's name>" for each entrant that the filter asks for: compiles the
/// graph, compares the answer with the reference's (see check.h) and times run() by thread CPU
/// time. What an entrant cannot run goes to stderr; a wrong answer does too, and makes finish()
/// fail.
void register_contenders(const std::string& prefix, const Graph& graph,
                         const std::vector<Entrant>& entrants);

/// Those of `entrants` that `takes_part` accepts.
template <class Predicate>
std::vector<Entrant> select(const std::vector<Entrant>& entrants, const Predicate& takes_part) {
  std::vector<Entrant> selected;
  std::copy_if(entrants.begin(), entrants.end(), std::back_inserter(selected), takes_part);
  return selected;
}

/// Runs what has been registered and shows one line a benchmark (or what --benchmark_format asks
/// for). `measured`, if given, gets the medians. Returns the program's exit status.
int finish(Medians* measured = nullptr);

}  // namespace coppice::bench
