// Whole compiled plans of the zoo, one inference at a time: time, and MACs of the dense model.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>

#include "coppice/core/random.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/quantize.h"

namespace coppice {
namespace {

std::vector<float> random_values(int64_t count, uint64_t seed) {
  Random random(seed, "bench");
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = random.uniform(-1.0f, 1.0f);
  return values;
}

void run_plan(benchmark::State& state, const Graph& graph) {
  auto plan = exec::compile(graph);
  if (!plan.ok()) return state.SkipWithError(plan.error().message.c_str());
  const auto input = random_values(graph.input_shape().elements(), 1);
  std::vector<float> output(static_cast<size_t>(graph.output_shape().elements()));
  std::vector<int8_t> bytes(input.size()), byte_output(output.size());
  for (size_t i = 0; i < input.size(); ++i) bytes[i] = static_cast<int8_t>(input[i] * 127.0f);
  for (auto _ : state) {
    if (graph.quantized()) {
      (*plan)->run_int8(bytes, byte_output);
    } else {
      (*plan)->run(input, output);
    }
    benchmark::ClobberMemory();
  }
  const auto macs = static_cast<double>(measure_cost(graph).macs_dense);
  state.counters["MAC/s"] = benchmark::Counter(macs, benchmark::Counter::kIsIterationInvariantRate);
}

void add_benchmarks(const ZooEntry& entry) {
  const auto graph = make_zoo_model(entry.name, {}, 0, 1);
  if (!graph.ok()) return;
  std::vector<std::pair<std::string, Graph>> models = {{"float", *graph}};
  const std::vector<std::vector<float>> samples = {
      random_values(graph->input_shape().elements(), 2)};
  for (const Rounding rounding : {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat}) {
    quant::QuantizeOptions options;
    options.rounding = rounding;
    auto integer = quant::quantize(*graph, samples, options);
    if (integer.ok())
      models.emplace_back(fmt::format("int8-{}", rounding_name(rounding)), std::move(*integer));
  }
  for (const auto& [name, model] : models) {
    benchmark::RegisterBenchmark(
        fmt::format("{}/{}/reference", entry.name, name).c_str(),
        [model = model](benchmark::State& state) { run_plan(state, model); });
  }
}

}  // namespace
}  // namespace coppice

int main(int argc, char** argv) {
  for (const auto& entry : coppice::zoo()) coppice::add_benchmarks(entry);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
