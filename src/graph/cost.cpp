#include "coppice/graph/cost.h"

#include "coppice/graph/planner.h"

namespace coppice {
namespace {

bool multiplies(const Op& op) {
  return std::holds_alternative<Conv2D>(op) || std::holds_alternative<DepthwiseConv2D>(op) ||
         std::holds_alternative<FullyConnected>(op);
}

std::string op_text(const Op& op) {
  const auto activation = std::visit(
      [](const auto& typed) {
        if constexpr (requires { typed.activation; }) return typed.activation;
        return Activation::kNone;
      },
      op);
  std::string text(op_name(op));
  if (activation == Activation::kRelu) text += "+relu";
  if (activation == Activation::kRelu6) text += "+relu6";
  return text;
}

int64_t requantize_bytes(const Parameter& parameter, Rounding rounding) {
  if (!parameter.quantized || parameter.name != "weight") return 0;
  return static_cast<int64_t>(parameter.quantized->scales.size()) *
         (rounding == Rounding::kFloat ? 4 : 8);
}

// A vector [N] is one pixel.
int64_t output_pixels(const Shape& output) { return output.elements() / output.back(); }

LayerCost measure_layer(const Graph& graph, const Node& node) {
  LayerCost cost;
  cost.name = node.name;
  cost.op = op_text(node.op);
  cost.input = graph.tensors[static_cast<size_t>(node.inputs[0])].shape;
  cost.output = graph.tensors[static_cast<size_t>(node.output)].shape;
  for (const auto& parameter : node.parameters) {
    cost.parameters_total += parameter.shape.elements();
    cost.parameters_nonzero += nonzero_count(parameter);
    cost.flash_bytes += stored_bytes(parameter) + requantize_bytes(parameter, graph.rounding);
  }
  if (multiplies(node.op)) {
    cost.macs_dense = dense_macs(graph, node);
    cost.macs_effective = nonzero_count(*node.parameter("weight")) * output_pixels(cost.output);
  }
  return cost;
}

}  // namespace

int64_t dense_macs(const Graph& graph, const Node& node) {
  if (!multiplies(node.op)) return 0;
  // Each weight meets each output pixel of its channel once.
  return node.parameter("weight")->shape.elements() *
         output_pixels(graph.tensors[static_cast<size_t>(node.output)].shape);
}

Cost measure_cost(const Graph& graph) {
  Cost total;
  const std::vector<int64_t> live = live_bytes(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    LayerCost layer = measure_layer(graph, graph.nodes[n]);
    layer.ram_bytes = live[n];
    total.parameters_total += layer.parameters_total;
    total.parameters_nonzero += layer.parameters_nonzero;
    total.macs_dense += layer.macs_dense;
    total.macs_effective += layer.macs_effective;
    total.flash_bytes += layer.flash_bytes;
    total.layers.push_back(std::move(layer));
  }
  total.ram_peak_bytes = plan_memory(graph).arena_bytes;
  return total;
}

}  // namespace coppice
