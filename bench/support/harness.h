#pragma once

#include <benchmark/benchmark.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/cpu.h"
#include "support/contender.h"

// What the benchmark programs share: flags, defaults, and the timed loop.

namespace coppice::bench {

/// Flags of ours, beside Google Benchmark's.
struct Flags {
  std::optional<Isa> isa = {};  ///< --isa=NAME: keep everybody to this instruction set.
};

/// Reads our flags and hands the rest to Google Benchmark, whose defaults become those of a fair
/// comparison: repetitions in random order, aggregates only. Ends the program on a wrong flag.
Flags start(int argc, char** argv);

/// Registers "<prefix>/<entrant's name>" if the filter asks for it: compiles the graph, compares
/// the answer with the reference's (see check.h) and times run() by thread CPU time. What the
/// entrant cannot run goes to stderr; a wrong answer does too, and makes finish() fail.
void register_contender(const std::string& prefix, const Graph& graph, const Entrant& entrant);

/// A finished comparison: the medians over the repetitions.
struct Measured {
  std::string name;
  double median_us = 0;  ///< Thread CPU time of one run.
};

/// Runs what has been registered and shows one line a benchmark (or what --benchmark_format asks
/// for). `measured`, if given, gets the medians. Returns the program's exit status.
int finish(std::vector<Measured>* measured = nullptr);

}  // namespace coppice::bench
