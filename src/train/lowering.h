#pragma once

#include <vector>

#include "coppice/graph/graph.h"

namespace coppice::train {

/// A node that runs, with the ReLU that follows it taken in.
struct LoweredLayer {
  size_t node = 0;
  Activation activation = Activation::kNone;
  std::vector<int> inputs;  ///< Storage that is read, one for each of the node's inputs.
  int output = -1;          ///< Storage that is written.
  bool has_parameters = false;
};

/// A graph as the trainer runs it. Tensors that hold the same floats share one storage, named by
/// the tensor that came first: Flatten and Reshape outputs, ReLU outputs that a layer writes at
/// once, in inference Dropout outputs. A Softmax at the end belongs to the loss: the logits are its
/// input. Layers that the output does not depend on are left out.
struct LoweredGraph {
  std::vector<LoweredLayer> layers;  ///< In topological order.
  std::vector<int> storage;          ///< Of each tensor.
  int logits = -1;                   ///< Storage of the network's output.
  int logits_tensor = -1;            ///< A tensor with that storage, for its shape.
};

LoweredGraph lower(const Graph& graph, bool training);

}  // namespace coppice::train
