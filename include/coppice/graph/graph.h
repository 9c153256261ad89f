#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/core/shape.h"
#include "coppice/graph/op.h"
#include "coppice/graph/parameter.h"
#include "coppice/kernels/rounding.h"

namespace coppice {

using kernels::Rounding;
std::string_view rounding_name(Rounding rounding);
Result<Rounding> parse_rounding(std::string_view name);

/// Asymmetric per-tensor quantization of an activation: real = (value - zero_point) * scale.
struct ActivationQuantization {
  int bits = 8;
  float scale = 1.0f;
  int zero_point = 0;  ///< 0 with more than 8 bits.

  /// Held in an int16, else in an int8.
  bool wide() const { return bits > 8; }
};

/// An activation: [H, W, C] or [N], without a batch axis.
struct TensorInfo {
  std::string name;
  Shape shape;
  std::optional<ActivationQuantization> quantization;
};

/// One operation of a graph. Tensors are indices into Graph::tensors.
struct Node {
  std::string name;
  Op op;
  std::vector<int> inputs;
  int output = -1;
  std::vector<Parameter> parameters;

  Parameter* parameter(std::string_view parameter_name);
  const Parameter* parameter(std::string_view parameter_name) const;
};

/// A model as data: nodes in topological order over named tensors. A value: a copy is a model.
struct Graph {
  std::string name;
  std::vector<TensorInfo> tensors;
  std::vector<Node> nodes;
  int input = -1;
  int output = -1;
  Rounding rounding = Rounding::kDouble;
  std::vector<std::string> class_names;         ///< Optional, one for each output.
  std::map<std::string, std::string> metadata;  ///< Provenance: seed, config, version, dataset, ...

  const Shape& input_shape() const { return tensors[static_cast<size_t>(input)].shape; }
  const Shape& output_shape() const { return tensors[static_cast<size_t>(output)].shape; }
  /// Whether each activation carries a quantization: the model runs in integers.
  bool quantized() const;
  /// Whether the integers of a quantized graph's activations are int16, else int8.
  bool wide() const;
  Node* find(std::string_view node_name);
  const Node* find(std::string_view node_name) const;
};

/// The output shape of an op on these input shapes, or an error that names what does not fit.
Result<Shape> infer_shape(const Op& op, const std::vector<Shape>& inputs);

/// Checks a whole graph: topological order, names unique, shapes as inferred, parameters present
/// with their shapes and masks, and the output reachable. Errors name the node.
Status validate(const Graph& graph);

/// Number of nodes that read each tensor; the graph output counts as one more reader.
std::vector<int> consumer_counts(const Graph& graph);

}  // namespace coppice
