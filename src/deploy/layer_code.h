#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coppice/deploy/generate.h"
#include "coppice/graph/graph.h"

namespace coppice::deploy {

/// A layer of the graph, and how its neighbours appear in the generated code.
struct LayerContext {
  const Graph& graph;
  const Node& node;
  std::string id;                   ///< Its name as a C++ identifier, unique in the model.
  std::vector<std::string> inputs;  ///< C++ expressions of type const int8_t*.
  std::string output;               ///< C++ expression of type int8_t*.

  const TensorInfo& input(size_t index = 0) const;
  const TensorInfo& result() const;
};

/// The C++ of one layer.
struct LayerCode {
  std::string kernel;                ///< "conv2d_ref".
  std::vector<std::string> headers;  ///< Include paths that the call needs.
  std::string constants;             ///< Weights and tables, for weights.h.
  std::string parameters;            ///< constexpr parameters, for model.cpp.
  std::string call;                  ///< One statement for each line.
};

/// One way to run an op on a chip.
struct KernelEmitter {
  std::string_view kernel;
  bool (*accepts)(const LayerContext& layer, const Target& target);
  Result<LayerCode> (*emit)(const LayerContext& layer);
};

/// Every kernel that firmware can call; of those that accept a layer the first is taken.
const std::vector<KernelEmitter>& kernel_emitters();

/// The code of a layer by the first kernel that accepts it; an error names a layer that none does.
Result<LayerCode> emit_layer(const LayerContext& layer, const Target& target);

// Emitters, by the kind of layer.
const std::vector<KernelEmitter>& weighted_emitters();    ///< Convolutions, fully connected.
const std::vector<KernelEmitter>& weightless_emitters();  ///< Add, concat, pools, softmax, clamps.

/// Accepts layers whose op is of type Op, for any target.
template <class Op>
bool is_op(const LayerContext& layer, const Target& /*target*/) {
  return std::holds_alternative<Op>(layer.node.op);
}

}  // namespace coppice::deploy
