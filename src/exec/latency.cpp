#include "coppice/exec/latency.h"

#include <time.h>

#include <algorithm>
#include <vector>

#include "coppice/core/random.h"

namespace coppice::exec {
namespace {

double now_us(Clock clock) {
  timespec time{};
  clock_gettime(clock == Clock::kThreadCpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

// Runs a plan on one random input, in the plan's own data type.
class Runner {
 public:
  Runner(Plan& plan, uint64_t seed)
      : plan_(plan), wide_(plan.graph().wide()), integer_(plan.graph().quantized() && !wide_) {
    const auto in = static_cast<size_t>(plan.graph().input_shape().elements());
    const auto out = static_cast<size_t>(plan.graph().output_shape().elements());
    Random random(seed, "latency");
    for (size_t i = 0; i < in; ++i) {
      integers_.push_back(static_cast<int8_t>(static_cast<int>(random.below(256)) - 128));
      wide_integers_.push_back(static_cast<int16_t>(static_cast<int>(random.below(65536)) - 32768));
      reals_.push_back(random.normal());
    }
    integer_output_.resize(out);
    wide_output_.resize(out);
    real_output_.resize(out);
  }

  void run(int times) {
    for (int i = 0; i < times; ++i) {
      if (wide_)
        plan_.run_int16(wide_integers_, wide_output_);
      else if (integer_)
        plan_.run_int8(integers_, integer_output_);
      else
        plan_.run(reals_, real_output_);
    }
  }

 private:
  Plan& plan_;
  bool wide_, integer_;
  std::vector<int8_t> integers_, integer_output_;
  std::vector<int16_t> wide_integers_, wide_output_;
  std::vector<float> reals_, real_output_;
};

double quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// Times run(times), which repeats the same work.
template <class Run>
Latency measure(const Run& run, const LatencyOptions& options) {
  const double begin = now_us(Clock::kSteady);
  int warm_runs = 0;
  do {
    run(1);
    ++warm_runs;
  } while (now_us(Clock::kSteady) - begin < options.warm_up_us);
  const double one = (now_us(Clock::kSteady) - begin) / warm_runs;
  const int runs = std::max(1, static_cast<int>(options.repetition_us / std::max(one, 1e-3)));

  std::vector<double> times;
  for (int i = 0; i < std::max(1, options.repetitions); ++i) {
    const double start = now_us(options.clock);
    run(runs);
    times.push_back((now_us(options.clock) - start) / runs);
  }
  std::sort(times.begin(), times.end());
  Latency latency;
  latency.median_us = quantile(times, 0.5);
  latency.p10_us = quantile(times, 0.1);
  latency.p90_us = quantile(times, 0.9);
  latency.spread =
      latency.median_us > 0 ? (latency.p90_us - latency.p10_us) / latency.median_us : 0;
  latency.repetitions = static_cast<int>(times.size());
  return latency;
}

}  // namespace

Latency measure_latency(Plan& plan, const LatencyOptions& options) {
  Runner runner(plan, options.seed);
  return measure([&](int times) { runner.run(times); }, options);
}

std::vector<Latency> measure_layer_latency(Plan& plan, const LatencyOptions& options) {
  Runner(plan, options.seed).run(1);
  std::vector<Latency> layers;
  for (size_t i = 0; i < plan.graph().nodes.size(); ++i) {
    const auto run = [&](int times) {
      for (int k = 0; k < times; ++k) plan.run_layer(i);
    };
    layers.push_back(measure(run, options));
  }
  return layers;
}

}  // namespace coppice::exec
