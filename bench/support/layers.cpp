#include "support/layers.h"

#include <fmt/format.h>

#include <set>

#include "coppice/graph/builder.h"
#include "support/workload.h"

namespace coppice::bench {
namespace {

constexpr uint64_t kSeed = 1;

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

LayerWorkload build(std::string name, const Shape& input, const Op& op) {
  GraphBuilder builder(name, input, kSeed);
  const auto output = builder.add(op, {builder.input()}, "layer");
  Graph graph = std::move(builder).finish(output).value();
  randomize_biases(graph, kSeed);
  auto description = describe(graph, graph.nodes[0]);
  return {"layers/" + name, std::move(description), std::move(graph)};
}

Conv2D convolution(int channels, int kernel) {
  Conv2D op;
  op.out_channels = channels;
  op.kernel = {kernel, kernel};
  const int around = kernel / 2;
  op.padding = {around, around, around, around};
  op.activation = Activation::kRelu;
  return op;
}

}  // namespace

std::vector<LayerWorkload> layers_of(const Graph& workload) {
  std::vector<LayerWorkload> layers;
  std::set<std::string> seen;
  for (const Node& node : workload.nodes) {
    const bool pool = std::holds_alternative<MaxPool2D>(node.op) ||
                      std::holds_alternative<AvgPool2D>(node.op) ||
                      std::holds_alternative<GlobalAvgPool>(node.op);
    if (node.parameter("weight") == nullptr && !pool) continue;
    auto description = describe(workload, node);
    if (!seen.insert(description).second) continue;
    layers.push_back(
        {workload.name + "/" + node.name, std::move(description), single_layer(workload, node)});
  }
  return layers;
}

std::vector<LayerWorkload> standard_layers() {
  return {build("pointwise_64_64_25x5", {25, 5, 64}, convolution(64, 1)),
          build("pointwise_128_256_6x6", {6, 6, 128}, convolution(256, 1)),
          build("conv3x3_64_64_16x16", {16, 16, 64}, convolution(64, 3)),
          build("conv3x3_64_64_8x8", {8, 8, 64}, convolution(64, 3)),
          build("fc_4000_128", {4000}, FullyConnected{128, Activation::kRelu}),
          build("fc_256_1024", {256}, FullyConnected{1024, Activation::kRelu})};
}

}  // namespace coppice::bench
