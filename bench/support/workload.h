#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/graph/graph.h"
#include "support/contender.h"

// What is run: networks of the zoo and their layers, so that no benchmark has a list of its own.

namespace coppice::bench {

/// "float", or "int8-" and a rounding mode.
std::string type_name(const Graph& graph);

/// A network of the zoo as all contenders get it: random weights and biases, batch norms folded,
/// activations fused, no reshapes, and no softmax at the end, which some peers cannot do in
/// integers. Without `rounding` it is float; with it, quantized on inputs in [0, 1).
Result<Graph> make_workload(std::string_view arch, std::optional<Rounding> rounding);

/// One layer of a network as a graph of its own.
struct LayerWorkload {
  std::string name;         ///< "ds_cnn/pointwise_2".
  std::string description;  ///< "conv2d 1x1, 25x5x64 -> 25x5x64".
  Graph graph;
};

/// The layers with weights and the pools of a workload, each shape once, under the name of the
/// first that has it.
std::vector<LayerWorkload> layers_of(const Graph& workload);

/// An input as images are: in [0, 1), or all int8 values.
Values random_input(const Graph& graph, uint64_t seed);

}  // namespace coppice::bench
