#include "support/harness.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <vector>

#include "coppice/graph/cost.h"
#include "support/check.h"
#include "support/roofline.h"
#include "support/workload.h"

namespace coppice::bench {
namespace {

constexpr uint64_t kInputSeed = 7;
constexpr int kWarmUpRuns = 3;

bool any_wrong = false;
Peaks peaks;

// Google Benchmark's filter: a regular expression, negated by a leading '-'.
bool wanted(const std::string& name) {
  std::string filter = benchmark::GetBenchmarkFilter();
  if (filter.empty() || filter == "all") return true;
  const bool negative = filter[0] == '-';
  if (negative) filter.erase(0, 1);
  return std::regex_search(name, std::regex(filter, std::regex::extended)) != negative;
}

double counter(const benchmark::BenchmarkReporter::Run& run, const char* name) {
  const auto found = run.counters.find(name);
  return found == run.counters.end() ? 0 : found->second.value;
}

// Keeps the medians; shows them, unless another format was asked for.
class MedianReporter final : public benchmark::BenchmarkReporter {
 public:
  MedianReporter(benchmark::BenchmarkReporter* other, Medians& measured)
      : other_(other), measured_(measured) {}

  bool ReportContext(const Context& context) override {
    width_ = std::max<size_t>(context.name_field_width, 40);
    if (other_ != nullptr) return other_->ReportContext(context);
    fmt::print("{:<{}} {:>11} {:>6} {:>9} {:>8} {:>6}\n", "median of thread CPU time", width_, "us",
               "cv", "GMAC/s", "GB/s", "% peak");
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    double variation = 0;
    for (const Run& run : runs) {
      if (run.aggregate_name == "cv") variation = run.cpu_accumulated_time;
    }
    const bool single = runs.size() == 1;  // One repetition has no aggregates.
    for (const Run& run : runs) {
      if (run.aggregate_name != "median" && !single) continue;
      const double time_us = run.GetAdjustedCPUTime();
      measured_.push_back({run.run_name.str(), time_us, counter(run, "floor_us")});
      if (other_ == nullptr) {
        fmt::print("{:<{}} {:>11.3f} {:>5.1f}% {:>9.2f} {:>8.2f} {:>6.1f}\n", run.run_name.str(),
                   width_, time_us, 100 * variation, 1e-9 * counter(run, "MAC/s"),
                   1e-9 * counter(run, "bytes/s"), counter(run, "%peak"));
        std::fflush(stdout);
      }
    }
    if (other_ != nullptr) other_->ReportRuns(runs);
  }

  void Finalize() override {
    if (other_ != nullptr) other_->Finalize();
  }

 private:
  benchmark::BenchmarkReporter* other_;
  Medians& measured_;
  size_t width_ = 0;
};

[[noreturn]] void fail(const std::string& message) {
  fmt::print(stderr, "error: {}\n", message);
  std::exit(2);
}

void register_timing(const std::string& name, const Graph& graph,
                     const std::shared_ptr<Contender>& contender, double difference) {
  const double macs = static_cast<double>(measure_cost(graph).macs_dense);
  const double bytes = touched_bytes(graph);
  const double peak = peaks.macs(graph);
  const double floor_us = 1e6 * floor_seconds(graph, peaks);
  const auto loop = [contender, macs, bytes, peak, floor_us, difference](benchmark::State& state) {
    for (int i = 0; i < kWarmUpRuns; ++i) contender->run();
    for (auto _ : state) {
      contender->run();
      benchmark::ClobberMemory();
    }
    using benchmark::Counter;
    const auto rate = [&](double value) {
      return Counter(value, Counter::kIsIterationInvariantRate);
    };
    state.counters["bytes/s"] = rate(bytes);
    state.counters["floor_us"] = floor_us;
    if (macs > 0) {
      state.counters["MAC/s"] = rate(macs);
      state.counters["%peak"] = rate(100 * macs / peak);
    }
    state.SetLabel(fmt::format("differs from the reference by {:.2g}", difference));
  };
  benchmark::RegisterBenchmark(name.c_str(), loop);
}

std::optional<std::string> flag_value(std::string_view argument, std::string_view flag) {
  if (argument.substr(0, flag.size()) != flag) return std::nullopt;
  return std::string(argument.substr(flag.size()));
}

}  // namespace

Flags start(int argc, char** argv) {
  Flags flags;
  // The last one wins, so that the caller's flags override these.
  static std::string defaults[] = {"--benchmark_enable_random_interleaving=true",
                                   "--benchmark_repetitions=15", "--benchmark_min_time=0.02",
                                   "--benchmark_report_aggregates_only=true"};
  std::vector<char*> arguments{argv[0]};
  for (std::string& text : defaults) arguments.push_back(text.data());
  for (int i = 1; i < argc; ++i) {
    if (const auto folder = flag_value(argv[i], "--figures=")) {
      flags.figures = *folder;
    } else if (const auto name = flag_value(argv[i], "--isa=")) {
      const auto isa = parse_isa(*name);
      if (!isa.ok()) fail(isa.error().message);
      if (!isa_supported(*isa)) fail("this processor supports " + supported_isa_list());
      flags.isa = *isa;
    } else {
      arguments.push_back(argv[i]);
    }
  }
  const auto active = active_isa();
  if (!active.ok()) fail(active.error().message);
  if (!flags.isa && std::getenv("COPPICE_FORCE_ISA") != nullptr) flags.isa = *active;
  const Isa isa = flags.isa.value_or(*active);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) std::exit(2);
  benchmark::SetDefaultTimeUnit(benchmark::kMicrosecond);
  peaks = Peaks::measure(isa);
  benchmark::AddCustomContext("cpu", cpu_model_name());
  benchmark::AddCustomContext("isa", std::string(isa_name(isa)));
  benchmark::AddCustomContext("peak_float_mac_per_s", fmt::format("{:.4g}", peaks.float_macs));
  benchmark::AddCustomContext("peak_int8_mac_per_s", fmt::format("{:.4g}", peaks.int8_macs));
  return flags;
}

void register_contenders(const std::string& prefix, const Graph& graph,
                         const std::vector<Entrant>& entrants) {
  const auto chosen =
      select(entrants, [&](const Entrant& entrant) { return wanted(prefix + "/" + entrant.name); });
  if (chosen.empty()) return;
  const Values input = random_input(graph, kInputSeed);
  const auto expected = reference_output(graph, input);
  if (!expected.ok()) fail(expected.error().message);
  for (const Entrant& entrant : chosen) {
    const std::string name = prefix + "/" + entrant.name;
    auto compiled = entrant.compile(graph);
    if (!compiled.ok()) {
      const std::string& why = compiled.error().message;
      if (!why.empty()) fmt::print(stderr, "{}: left out: {}\n", name, why);
      continue;
    }
    const std::shared_ptr<Contender> contender = std::move(compiled).value();
    contender->set_input(input);
    contender->run();
    const auto difference = compare(graph, *expected, contender->output(), entrant.ours);
    if (difference.ok()) {
      register_timing(name, graph, contender, *difference);
    } else {
      fmt::print(stderr, "{}: {}\n", name, difference.error().message);
      any_wrong = any_wrong || entrant.ours;
    }
  }
}

int finish(Medians* measured) {
  const std::unique_ptr<benchmark::BenchmarkReporter> chosen(
      benchmark::CreateDefaultDisplayReporter());
  const bool console = dynamic_cast<benchmark::ConsoleReporter*>(chosen.get()) != nullptr;
  Medians unused;
  MedianReporter reporter(console ? nullptr : chosen.get(), measured ? *measured : unused);
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return any_wrong ? 1 : 0;
}

}  // namespace coppice::bench
