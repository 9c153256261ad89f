#pragma once

#include "coppice/exec/plan.h"

namespace coppice::exec {

enum class Clock {
  kThreadCpu,  ///< CPU time of the calling thread: other processes do not count.
  kSteady,     ///< Wall-clock time: for plans that use several threads.
};

/// The clock that is right for a plan of these options.
constexpr Clock clock_for(const Options& options) {
  return options.threads > 1 ? Clock::kSteady : Clock::kThreadCpu;
}

struct LatencyOptions {
  Clock clock = Clock::kThreadCpu;
  int repetitions = 31;          ///< Timed repetitions; the figures are over these.
  double repetition_us = 500.0;  ///< A repetition runs the plan so often that it takes this long.
  double warm_up_us = 5000.0;    ///< Untimed runs before.
  uint64_t seed = 0;             ///< Of the random input.
};

/// Microseconds for one inference.
struct Latency {
  double median_us = 0;
  double p10_us = 0;  ///< A tenth of the repetitions were faster.
  double p90_us = 0;  ///< A tenth of the repetitions were slower.
  double spread = 0;  ///< (p90 - p10) / median.
  int repetitions = 0;
};

/// Times a plan on this machine, one inference at a time, on a random input: integers for a
/// quantized graph, so that no conversion is timed, else normal floats.
Latency measure_latency(Plan& plan, const LatencyOptions& options = {});

/// The same for each layer by itself, in the order of plan.graph().nodes: its inputs are those of a
/// run on a random input, in cache. The sum is near the whole plan's time, not equal to it.
std::vector<Latency> measure_layer_latency(Plan& plan, const LatencyOptions& options = {});

}  // namespace coppice::exec
