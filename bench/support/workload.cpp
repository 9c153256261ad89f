#include "support/workload.h"

#include <fmt/format.h>

#include "coppice/core/random.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/quantize.h"

namespace coppice::bench {
namespace {

constexpr uint64_t kSeed = 1;
constexpr uint64_t kCalibrationSamples = 4;

std::vector<float> uniform_values(int64_t count, uint64_t seed, std::string_view stream) {
  Random random(seed, stream);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = random.uniform();
  return values;
}

void drop_last_softmax(Graph& graph) {
  if (!std::holds_alternative<Softmax>(graph.nodes.back().op)) return;
  graph.output = graph.nodes.back().inputs[0];
  graph.nodes.pop_back();
  graph.tensors.pop_back();
}

}  // namespace

void randomize_biases(Graph& graph, uint64_t seed) {
  for (Node& node : graph.nodes) {
    for (Parameter& parameter : node.parameters) {
      if (parameter.name != "bias" && parameter.name != "beta") continue;
      Random random(seed, node.name);
      for (float& value : parameter.value) value = random.uniform(-0.1f, 0.1f);
    }
  }
}

std::string type_name(const Graph& graph) {
  if (!graph.quantized()) return "float";
  int bits = 8;
  for (const Node& node : graph.nodes) {
    if (const Parameter* weight = node.parameter("weight")) bits = weight->quantized->bits;
  }
  return fmt::format("int{}-{}", bits, rounding_name(graph.rounding));
}

Result<Graph> quantize_workload(const Graph& graph, Rounding rounding, int weight_bits) {
  std::vector<std::vector<float>> samples;
  for (uint64_t i = 0; i < kCalibrationSamples; ++i) {
    samples.push_back(uniform_values(graph.input_shape().elements(), i, "bench calibration"));
  }
  quant::QuantizeOptions options;
  options.rounding = rounding;
  options.weight_bits = weight_bits;
  return quant::quantize(graph, samples, options);
}

Result<Graph> make_workload(std::string_view arch, std::optional<Rounding> rounding) {
  COPPICE_TRY(Graph graph, make_zoo_model(arch, {}, 0, kSeed));
  randomize_biases(graph, kSeed);
  drop_last_softmax(graph);
  if (!rounding) return fuse_for_inference(std::move(graph));
  return quantize_workload(graph, *rounding);
}

Values random_input(const Graph& graph, uint64_t seed) {
  const int64_t count = graph.input_shape().elements();
  Values values;
  if (!graph.quantized()) {
    values.real = uniform_values(count, seed, "bench input");
    return values;
  }
  Random random(seed, "bench input");
  for (int64_t i = 0; i < count; ++i) {
    values.integer.push_back(static_cast<int8_t>(random.below(256)));
  }
  return values;
}

}  // namespace coppice::bench
