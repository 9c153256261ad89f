#include "train/lowering.h"

#include <algorithm>

namespace coppice::train {
namespace {

template <class... Ops>
bool is_any(const Op& op) {
  return (std::holds_alternative<Ops>(op) || ...);
}

Activation own_activation(const Op& op) {
  return std::visit(
      [](const auto& typed) {
        if constexpr (requires { typed.activation; }) return typed.activation;
        return Activation::kNone;
      },
      op);
}

bool takes_activation(const Op& op) {
  return is_any<Conv2D, DepthwiseConv2D, FullyConnected, BatchNorm, Add>(op);
}

// Nodes on a path to the output.
std::vector<bool> needed_nodes(const Graph& graph) {
  std::vector<bool> tensor(graph.tensors.size(), false), node(graph.nodes.size(), false);
  tensor[static_cast<size_t>(graph.output)] = true;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    if (!tensor[static_cast<size_t>(graph.nodes[n].output)]) continue;
    node[n] = true;
    for (int input : graph.nodes[n].inputs) tensor[static_cast<size_t>(input)] = true;
  }
  return node;
}

class Lowering {
 public:
  Lowering(const Graph& graph, bool training)
      : graph_(graph),
        training_(training),
        readers_(consumer_counts(graph)),
        producer_(graph.tensors.size(), -1),
        sole_reader_(graph.tensors.size(), false) {
    lowered_.storage.assign(graph.tensors.size(), -1);
    share(graph.input, graph.input);
  }

  LoweredGraph run() && {
    const auto needed = needed_nodes(graph_);
    lowered_.logits_tensor = graph_.output;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (needed[n]) add(n);
    }
    lowered_.logits = storage(lowered_.logits_tensor);
    return std::move(lowered_);
  }

 private:
  int storage(int tensor) const { return lowered_.storage[static_cast<size_t>(tensor)]; }

  void share(int tensor, int with) {
    lowered_.storage[static_cast<size_t>(tensor)] = with;
    const bool one = readers_[static_cast<size_t>(tensor)] == 1;
    const auto place = static_cast<size_t>(with);
    sole_reader_[place] = one && (tensor == with || sole_reader_[place]);
  }

  bool is_identity(const Node& node) const {
    return is_any<Flatten, Reshape>(node.op) || (is_any<Dropout>(node.op) && !training_);
  }

  // Gives a ReLU to the layer before it, if nobody else reads that layer's output.
  bool fuse(const Node& node, int input) {
    const auto place = static_cast<size_t>(input);
    if (!is_any<Relu, Relu6>(node.op) || !sole_reader_[place] || producer_[place] < 0) return false;
    LoweredLayer& before = lowered_.layers[static_cast<size_t>(producer_[place])];
    if (before.activation != Activation::kNone || !takes_activation(graph_.nodes[before.node].op)) {
      return false;
    }
    before.activation = is_any<Relu>(node.op) ? Activation::kRelu : Activation::kRelu6;
    return true;
  }

  void add(size_t n) {
    const Node& node = graph_.nodes[n];
    const int first = storage(node.inputs[0]);
    if (is_any<Softmax>(node.op) && node.output == graph_.output) {
      lowered_.logits_tensor = node.inputs[0];
      return;
    }
    if (is_identity(node) || fuse(node, first)) {
      share(node.output, first);
      return;
    }
    LoweredLayer layer{n, own_activation(node.op), {}, node.output, !node.parameters.empty()};
    for (int input : node.inputs) layer.inputs.push_back(storage(input));
    share(node.output, node.output);
    producer_[static_cast<size_t>(node.output)] = static_cast<int>(lowered_.layers.size());
    lowered_.layers.push_back(std::move(layer));
  }

  const Graph& graph_;
  bool training_;
  std::vector<int> readers_;
  std::vector<int> producer_;      // Layer that writes a storage.
  std::vector<bool> sole_reader_;  // Whether one node alone reads the storage as it is now.
  LoweredGraph lowered_;
};

}  // namespace

LoweredGraph lower(const Graph& graph, bool training) { return Lowering(graph, training).run(); }

}  // namespace coppice::train
