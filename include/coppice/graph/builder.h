#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice {

/// Appends nodes to a graph, infers shapes and initializes weights. Tensors are handles; the first
/// error sticks and comes back from finish(). Names default to the op's name and a number.
class GraphBuilder {
 public:
  /// Weights are initialized from (seed, node name): the same for any order of building.
  GraphBuilder(std::string name, Shape input, uint64_t seed);

  using Tensor = int;
  Tensor input() const { return graph_.input; }
  const Shape& shape(Tensor tensor) const { return graph_.tensors[static_cast<size_t>(tensor)].shape; }

  /// Adds any op. Convolutions and fully connected layers get weights (He uniform, fan-in) and,
  /// unless `bias` is false, zero biases; BatchNorm gets ones and zeros.
  Tensor add(Op op, const std::vector<Tensor>& inputs, std::string name = {}, bool bias = true);

  /// The graph, validated; or the first error.
  Result<Graph> finish(Tensor output) &&;

 private:
  void initialize(Node& node, const std::vector<Shape>& inputs, bool bias);

  Graph graph_;
  uint64_t seed_;
  std::optional<Error> error_;
};

/// Parameters (name and shape) that an op needs on this input, in their stored order. `bias` is the
/// only optional one.
std::vector<std::pair<std::string, Shape>> parameter_shapes(const Op& op, const Shape& input);

}  // namespace coppice
