#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coppice/core/result.h"

// From measured medians to tables. Names say what was measured: everything before the last '/' is
// the work, what follows it the contender; ours start with "coppice:".

namespace coppice::bench {

/// Median of one contender on one piece of work.
struct Measured {
  std::string name;
  double median_us = 0;  ///< Thread CPU time of one run.
  double floor_us = 0;   ///< What the machine's limits allow (roofline.h); 0: unknown.
};

/// One run of a benchmark program: contenders in it were interleaved, so ratios are its own.
using Medians = std::vector<Measured>;

/// The medians in a file that --benchmark_out wrote.
Result<Medians> read_run(const std::string& path);

/// What such a file says about the machine, as a sentence.
Result<std::string> describe_machine(const std::string& path);

/// A Markdown table of limits_bench: what each loop reached.
Result<std::string> limits_table(const std::string& path);

/// A Markdown table, a row for each piece of work: our fastest, each peer, and how many times
/// faster we are than the fastest peer. Times are the lowest over the runs; the ratio is the median
/// of the runs' own ratios.
std::string comparison_table(const std::vector<Medians>& runs);

/// Sparse layers are named <layer>/<type>/<granularity>/<sparsity>/<contender>; the granularity
/// "dense" at sparsity 0.00 is what all others are compared with.
struct Curve {
  std::string layer, type, granularity;
  std::vector<double> sparsity;         ///< Increasing.
  std::vector<double> time_us;          ///< Of our fastest there.
  std::vector<std::string> contender;   ///< Who that was.
  std::optional<double> our_dense_us;   ///< Our fastest on dense weights.
  std::optional<double> peer_dense_us;  ///< The fastest peer on dense weights.
};
std::vector<Curve> sparse_curves(const Medians& run);

/// The sparsity from which on the curve stays below `dense_us`, by linear interpolation between the
/// measured points; none if it never does.
std::optional<double> break_even(const Curve& curve, double dense_us);

/// A Markdown table of the curves: break-even sparsities, and at some sparsities our time with how
/// many times faster than our dense and the peer's dense it is.
std::string break_even_table(const std::vector<Curve>& curves);

/// Markdown tables of the same names, one for each layer, type and granularity: a row for each
/// contender, a column for each sparsity.
std::string executors_table(const Medians& run);

/// Draws for each layer and type the speed-up over the fastest peer's dense (ours, without peers)
/// against sparsity, a line for each granularity: <folder>/<layer>_<type>.svg.
Status draw_curves(const std::vector<Curve>& curves, const std::string& folder);

}  // namespace coppice::bench
