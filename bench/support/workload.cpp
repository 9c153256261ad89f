#include "support/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

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

// Fresh biases are zero, which would hide a contender that forgets them.
void randomize_biases(Graph& graph) {
  for (Node& node : graph.nodes) {
    for (Parameter& parameter : node.parameters) {
      if (parameter.name != "bias" && parameter.name != "beta") continue;
      Random random(kSeed, node.name);
      for (float& value : parameter.value) value = random.uniform(-0.1f, 0.1f);
    }
  }
}

void drop_last_softmax(Graph& graph) {
  if (!std::holds_alternative<Softmax>(graph.nodes.back().op)) return;
  graph.output = graph.nodes.back().inputs[0];
  graph.nodes.pop_back();
  graph.tensors.pop_back();
}

std::string size_text(const Shape& shape) {
  return shape.rank() == 3 ? fmt::format("{}x{}x{}", shape[0], shape[1], shape[2])
                           : fmt::format("{}", shape.elements());
}

std::string describe(const Graph& graph, const Node& node) {
  const auto& in = graph.tensors[static_cast<size_t>(node.inputs[0])].shape;
  const auto& out = graph.tensors[static_cast<size_t>(node.output)].shape;
  const std::string window = std::visit(
      [](const auto& op) {
        std::string text;
        if constexpr (requires { op.kernel; }) {
          text = fmt::format(" {}x{}", op.kernel.h, op.kernel.w);
          if (op.stride != Size2{}) text += fmt::format(" stride {}x{}", op.stride.h, op.stride.w);
          if (op.padding != Padding{}) text += " padded";
        }
        return text;
      },
      node.op);
  return fmt::format("{}{}, {} -> {}", op_name(node.op), window, size_text(in), size_text(out));
}

Graph single_layer(const Graph& graph, const Node& node) {
  Graph layer;
  layer.name = node.name;
  layer.rounding = graph.rounding;
  layer.tensors = {graph.tensors[static_cast<size_t>(node.inputs[0])],
                   graph.tensors[static_cast<size_t>(node.output)]};
  layer.nodes = {node};
  layer.nodes[0].inputs = {0};
  layer.nodes[0].output = 1;
  layer.input = 0;
  layer.output = 1;
  return layer;
}

}  // namespace

std::string type_name(const Graph& graph) {
  if (!graph.quantized()) return "float";
  return fmt::format("int8-{}", rounding_name(graph.rounding));
}

Result<Graph> make_workload(std::string_view arch, std::optional<Rounding> rounding) {
  COPPICE_TRY(Graph graph, make_zoo_model(arch, {}, 0, kSeed));
  randomize_biases(graph);
  drop_last_softmax(graph);
  if (!rounding) return fuse_for_inference(std::move(graph));
  std::vector<std::vector<float>> samples;
  for (uint64_t i = 0; i < kCalibrationSamples; ++i) {
    samples.push_back(uniform_values(graph.input_shape().elements(), i, "bench calibration"));
  }
  quant::QuantizeOptions options;
  options.rounding = *rounding;
  return quant::quantize(graph, samples, options);
}

std::vector<LayerWorkload> layers_of(const Graph& workload) {
  std::vector<LayerWorkload> layers;
  std::set<std::string> seen;
  for (const Node& node : workload.nodes) {
    const bool pool =
        std::holds_alternative<MaxPool2D>(node.op) || std::holds_alternative<AvgPool2D>(node.op);
    if (node.parameter("weight") == nullptr && !pool) continue;
    auto description = describe(workload, node);
    if (!seen.insert(description).second) continue;
    layers.push_back(
        {workload.name + "/" + node.name, std::move(description), single_layer(workload, node)});
  }
  return layers;
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
