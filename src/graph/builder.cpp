#include "coppice/graph/builder.h"

#include <fmt/format.h>

#include <cmath>

#include "coppice/core/random.h"

namespace coppice {

std::vector<std::pair<std::string, Shape>> parameter_shapes(const Op& op, const Shape& input) {
  const int channels = input.back();
  if (const auto* conv = std::get_if<Conv2D>(&op)) {
    return {{"weight", {conv->out_channels, conv->kernel.h, conv->kernel.w, channels / conv->groups}},
            {"bias", {conv->out_channels}}};
  }
  if (const auto* depthwise = std::get_if<DepthwiseConv2D>(&op)) {
    const int out = channels * depthwise->multiplier;
    return {{"weight", {depthwise->kernel.h, depthwise->kernel.w, out}}, {"bias", {out}}};
  }
  if (const auto* full = std::get_if<FullyConnected>(&op)) {
    return {{"weight", {full->out_features, static_cast<int>(input.elements())}},
            {"bias", {full->out_features}}};
  }
  if (std::holds_alternative<BatchNorm>(op)) {
    const Shape each{channels};
    return {{"gamma", each}, {"beta", each}, {"mean", each}, {"variance", each}};
  }
  return {};
}

GraphBuilder::GraphBuilder(std::string name, Shape input, uint64_t seed) : seed_(seed) {
  graph_.name = std::move(name);
  graph_.tensors.push_back({"input", input, std::nullopt});
  graph_.input = 0;
}

GraphBuilder::Tensor GraphBuilder::add(Op op, const std::vector<Tensor>& inputs, std::string name,
                                       bool bias) {
  if (error_) return 0;
  std::vector<Shape> shapes;
  for (Tensor input : inputs) shapes.push_back(shape(input));
  if (name.empty()) name = fmt::format("{}_{}", op_name(op), graph_.nodes.size());
  const auto output = infer_shape(op, shapes);
  if (!output.ok()) {
    error_ = Error{output.error().code, fmt::format("{}: layer \"{}\" ({}): {}", graph_.name, name,
                                                    op_name(op), output.error().message)};
    return 0;
  }
  const auto tensor = static_cast<Tensor>(graph_.tensors.size());
  graph_.tensors.push_back({name, *output, std::nullopt});
  Node node{std::move(name), op, inputs, tensor, {}};
  initialize(node, shapes, bias);
  graph_.nodes.push_back(std::move(node));
  return tensor;
}

void GraphBuilder::initialize(Node& node, const std::vector<Shape>& inputs, bool bias) {
  for (const auto& [name, shape] : parameter_shapes(node.op, inputs[0])) {
    if (name == "bias" && !bias) continue;
    const auto elements = static_cast<size_t>(shape.elements());
    Parameter parameter{name, shape, std::vector<float>(elements, 0.0f), {}, std::nullopt};
    if (name == "gamma" || name == "variance") parameter.value.assign(elements, 1.0f);
    if (name == "weight") {
      const bool depthwise = std::holds_alternative<DepthwiseConv2D>(node.op);
      const auto fan_in = depthwise ? shape[0] * shape[1]
                                    : static_cast<int>(shape.elements() / shape[0]);
      // He uniform (He et al., ICCV 2015, eq. 10): variance 2 / fan_in.
      const float limit = std::sqrt(6.0f / static_cast<float>(fan_in));
      Random random(seed_, "init/" + node.name);
      for (float& value : parameter.value) value = random.uniform(-limit, limit);
    }
    node.parameters.push_back(std::move(parameter));
  }
}

Result<Graph> GraphBuilder::finish(Tensor output) && {
  if (error_) return *error_;
  graph_.output = output;
  COPPICE_TRY_STATUS(validate(graph_));
  return std::move(graph_);
}

}  // namespace coppice
