#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coppice/core/result.h"
#include "coppice/graph/graph.h"
#include "support/contender.h"

// What is run: networks of the zoo and their layers, so that no benchmark has a list of its own.

namespace coppice::bench {

/// "float", or the weights' width and the rounding mode: "int8-float".
std::string type_name(const Graph& graph);

/// Fresh biases are zero, which would hide a contender that forgets them.
void randomize_biases(Graph& graph, uint64_t seed);

/// Quantizes a float graph on inputs in [0, 1).
Result<Graph> quantize_workload(const Graph& graph, Rounding rounding, int weight_bits = 8);

/// A network of the zoo as all contenders get it: random weights and biases, batch norms folded,
/// activations fused, no reshapes, and no softmax at the end, which some peers cannot do in
/// integers. Without `rounding` it is float; with it, quantized on inputs in [0, 1).
Result<Graph> make_workload(std::string_view arch, std::optional<Rounding> rounding);

/// An input as images are: in [0, 1), or all int8 values.
Values random_input(const Graph& graph, uint64_t seed);

}  // namespace coppice::bench
