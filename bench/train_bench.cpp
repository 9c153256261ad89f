// Full training steps (forward, backward, optimizer) a second. The peer is bench/train_peer.py.
// COPPICE_TRAIN_THREADS sets the threads (default: all cores).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "coppice/core/random.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/quantize.h"
#include "train/network.h"
#include "train/optimizer.h"
#include "train/quantization.h"

namespace coppice::train {
namespace {

int thread_count() {
  const char* text = std::getenv("COPPICE_TRAIN_THREADS");
  return text == nullptr ? 0 : std::atoi(text);
}

// The network as quantization-aware training takes it.
Result<Graph> integer_model(const Graph& graph) {
  Random random(1, "calibration");
  quant::Samples samples(1,
                         std::vector<float>(static_cast<size_t>(graph.input_shape().elements())));
  for (float& value : samples[0]) value = random.normal();
  return quant::quantize(graph, samples, {});
}

void training_step(benchmark::State& state, const std::string& arch, bool integers) {
  const int batch = static_cast<int>(state.range(0));
  const auto isa = active_isa();
  auto graph = make_zoo_model(arch, {}, 0, 1);
  if (graph.ok() && integers) graph = integer_model(*graph);
  if (!graph.ok() || !isa.ok()) {
    state.SkipWithError("no such network or instruction set");
    return;
  }
  const Kernels& kernels = kernels_for(*isa);
  TrainOptions options;
  options.optimizer = Optimizer::kSgd;
  std::optional<Quantization> quantization;
  if (integers) quantization.emplace(*graph, options);
  const Graph& trained = integers ? quantization->training_graph() : *graph;
  ParameterStore parameters(trained);
  if (integers) quantization->bind(parameters);
  Network network(trained, parameters, kernels,
                  {batch, Mode::kTraining, 0.0f, integers ? &*quantization : nullptr});
  OptimizerState optimizer(parameters, options, kernels);
  ThreadPool pool(thread_count());
  Random random(1, "bench");
  std::vector<int> labels;
  for (int i = 0; i < batch; ++i) {
    for (float& value : network.input(i)) value = random.normal();
    labels.push_back(static_cast<int>(random.below(static_cast<uint32_t>(network.classes()))));
  }
  StepState step;
  for (auto _ : state) {
    benchmark::DoNotOptimize(network.train(pool, labels, step).loss);
    optimizer.step(pool, network.gradients(), 1e-3f);
    step.first_sample += static_cast<uint64_t>(batch);
  }
  state.counters["samples/s"] =
      benchmark::Counter(static_cast<double>(batch), benchmark::Counter::kIsIterationInvariantRate);
  state.SetLabel(std::string(isa_name(kernels.isa)) + ", " + std::to_string(pool.threads()) +
                 " threads");
}

BENCHMARK_CAPTURE(training_step, ds_cnn, "ds_cnn", false)
    ->Arg(64)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(training_step, ds_cnn_qat, "ds_cnn", true)
    ->Arg(64)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(training_step, resnet8, "resnet8", false)
    ->Arg(64)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(training_step, resnet8_qat, "resnet8", true)
    ->Arg(64)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace coppice::train

BENCHMARK_MAIN();
