#include "coppice/graph/graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "coppice/graph/builder.h"

namespace coppice {
namespace {

Error node_error(const Graph& graph, const Node& node, std::string_view what) {
  return Error{ErrorCode::kInvalidArgument, fmt::format("{}: layer \"{}\" ({}): {}", graph.name,
                                                        node.name, op_name(node.op), what)};
}

Status validate_parameter(const Graph& graph, const Node& node, const Parameter& parameter,
                          const Shape& expected) {
  const auto elements = static_cast<size_t>(expected.elements());
  if (!(parameter.shape == expected)) {
    return node_error(graph, node,
                      fmt::format("{} is {}, expected {}", parameter.name,
                                  fmt::join(parameter.shape, "x"), fmt::join(expected, "x")));
  }
  if (parameter.value.size() != elements) {
    return node_error(graph, node,
                      fmt::format("{} holds {} values, expected {}", parameter.name,
                                  parameter.value.size(), elements));
  }
  if (!parameter.mask.empty() && parameter.mask.size() != elements) {
    return node_error(graph, node,
                      fmt::format("the mask of {} holds {} values, expected {}", parameter.name,
                                  parameter.mask.size(), elements));
  }
  if (const auto& quantized = parameter.quantized) {
    const size_t scales = quantized->axis < 0 ? 1 : static_cast<size_t>(expected[quantized->axis]);
    if (quantized->values.size() != elements || quantized->scales.size() != scales) {
      return node_error(graph, node,
                        fmt::format("the integers of {} do not fit its shape {}", parameter.name,
                                    fmt::join(expected, "x")));
    }
  }
  return {};
}

Status validate_parameters(const Graph& graph, const Node& node, const Shape& input) {
  const auto expected = parameter_shapes(node.op, input);
  for (const auto& parameter : node.parameters) {
    const auto found = std::find_if(expected.begin(), expected.end(),
                                    [&](const auto& e) { return e.first == parameter.name; });
    if (found == expected.end()) {
      return node_error(graph, node, "has no parameter \"" + parameter.name + "\"");
    }
    COPPICE_TRY_STATUS(validate_parameter(graph, node, parameter, found->second));
  }
  for (const auto& [name, shape] : expected) {
    if (name != "bias" && node.parameter(name) == nullptr) {
      return node_error(graph, node, "lacks its parameter \"" + name + "\"");
    }
  }
  return {};
}

Status validate_node(const Graph& graph, const Node& node, std::vector<bool>& defined) {
  std::vector<Shape> shapes;
  for (int input : node.inputs) {
    if (input < 0 || input >= static_cast<int>(graph.tensors.size()) ||
        !defined[static_cast<size_t>(input)]) {
      return node_error(graph, node, "reads a tensor that no earlier layer writes");
    }
    shapes.push_back(graph.tensors[static_cast<size_t>(input)].shape);
  }
  if (node.output < 0 || node.output >= static_cast<int>(graph.tensors.size()) ||
      defined[static_cast<size_t>(node.output)]) {
    return node_error(graph, node, "must write a tensor that no other layer writes");
  }
  const auto shape = infer_shape(node.op, shapes);
  if (!shape.ok()) return node_error(graph, node, shape.error().message);
  const Shape& stored = graph.tensors[static_cast<size_t>(node.output)].shape;
  if (!(stored == *shape)) {
    return node_error(graph, node,
                      fmt::format("its output is {}, expected {}", fmt::join(stored, "x"),
                                  fmt::join(*shape, "x")));
  }
  defined[static_cast<size_t>(node.output)] = true;
  return validate_parameters(graph, node, shapes[0]);
}

template <class NodeType>
auto* find_parameter(NodeType& node, std::string_view name) {
  const auto found = std::find_if(node.parameters.begin(), node.parameters.end(),
                                  [&](const auto& p) { return p.name == name; });
  return found == node.parameters.end() ? nullptr : &*found;
}

template <class GraphType>
auto* find_node(GraphType& graph, std::string_view name) {
  const auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                  [&](const auto& node) { return node.name == name; });
  return found == graph.nodes.end() ? nullptr : &*found;
}

}  // namespace

std::string_view rounding_name(Rounding rounding) {
  switch (rounding) {
    case Rounding::kDouble:
      return "double";
    case Rounding::kSingle:
      return "single";
    case Rounding::kFloat:
      return "float";
  }
  return "unknown";
}

Result<Rounding> parse_rounding(std::string_view name) {
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat}) {
    if (rounding_name(rounding) == name) return rounding;
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("unknown rounding \"{}\"; expected double, single or float", name)};
}

Parameter* Node::parameter(std::string_view parameter_name) {
  return find_parameter(*this, parameter_name);
}
const Parameter* Node::parameter(std::string_view parameter_name) const {
  return find_parameter(*this, parameter_name);
}

Node* Graph::find(std::string_view node_name) { return find_node(*this, node_name); }
const Node* Graph::find(std::string_view node_name) const { return find_node(*this, node_name); }

bool Graph::quantized() const {
  return !tensors.empty() &&
         std::all_of(tensors.begin(), tensors.end(),
                     [](const TensorInfo& tensor) { return tensor.quantization.has_value(); });
}

bool Graph::wide() const {
  return quantized() && std::all_of(tensors.begin(), tensors.end(), [](const TensorInfo& tensor) {
           return tensor.quantization->wide();
         });
}

std::vector<int> consumer_counts(const Graph& graph) {
  std::vector<int> counts(graph.tensors.size(), 0);
  for (const auto& node : graph.nodes) {
    for (int input : node.inputs) ++counts[static_cast<size_t>(input)];
  }
  if (graph.output >= 0) ++counts[static_cast<size_t>(graph.output)];
  return counts;
}

Status validate(const Graph& graph) {
  const auto count = static_cast<int>(graph.tensors.size());
  if (graph.input < 0 || graph.input >= count || graph.output < 0 || graph.output >= count) {
    return Error{ErrorCode::kInvalidArgument, graph.name + ": the graph lacks its input or output"};
  }
  std::vector<bool> defined(graph.tensors.size(), false);
  defined[static_cast<size_t>(graph.input)] = true;
  std::unordered_set<std::string> names;
  for (const auto& node : graph.nodes) {
    if (node.name.empty() || !names.insert(node.name).second) {
      return node_error(graph, node, "layer names must be unique and not empty");
    }
    COPPICE_TRY_STATUS(validate_node(graph, node, defined));
  }
  if (!defined[static_cast<size_t>(graph.output)]) {
    return Error{ErrorCode::kInvalidArgument, graph.name + ": no layer writes the graph's output"};
  }
  return {};
}

}  // namespace coppice
