#include "coppice/graph/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace coppice {
namespace {

Error fold_error(const Graph& graph, const Node& node, std::string what) {
  return Error{ErrorCode::kUnsupported, fmt::format("{}: layer \"{}\" ({}): {}", graph.name,
                                                    node.name, op_name(node.op), what)};
}

size_t index_of(int i) { return static_cast<size_t>(i); }

Node* producer_of(Graph& graph, int tensor) {
  const auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                  [&](const Node& node) { return node.output == tensor; });
  return found == graph.nodes.end() ? nullptr : &*found;
}

// The clamp that an op applies to its own output, or null for an op without one.
Activation* activation_of(Op& op) {
  return std::visit(
      [](auto& typed) -> Activation* {
        if constexpr (requires { typed.activation; }) return &typed.activation;
        return nullptr;
      },
      op);
}

// Removes a node whose output equals its input tensor from now on.
void bypass(Graph& graph, size_t node_index) {
  const int from = graph.nodes[node_index].output, to = graph.nodes[node_index].inputs[0];
  for (auto& node : graph.nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  if (graph.output == from) graph.output = to;
  graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(node_index));
}

void drop_unused_tensors(Graph& graph) {
  std::vector<int> renumbered(graph.tensors.size(), -1);
  renumbered[index_of(graph.input)] = 0;
  for (const auto& node : graph.nodes) renumbered[index_of(node.output)] = 0;
  std::vector<TensorInfo> kept;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (renumbered[i] < 0) continue;
    renumbered[i] = static_cast<int>(kept.size());
    kept.push_back(std::move(graph.tensors[i]));
  }
  graph.tensors = std::move(kept);
  const auto renumber = [&](int& tensor) { tensor = renumbered[index_of(tensor)]; };
  for (auto& node : graph.nodes) {
    for (int& input : node.inputs) renumber(input);
    renumber(node.output);
  }
  renumber(graph.input);
  renumber(graph.output);
}

bool same_quantization(const TensorInfo& a, const TensorInfo& b) {
  if (!a.quantization || !b.quantization) return !a.quantization && !b.quantization;
  return a.quantization->bits == b.quantization->bits &&
         a.quantization->scale == b.quantization->scale &&
         a.quantization->zero_point == b.quantization->zero_point;
}

bool pruned(const Parameter& parameter, size_t i) {
  return !parameter.mask.empty() && parameter.mask[i] == 0;
}

// y = gamma (w x + b - mean) / sqrt(variance + epsilon) + beta, as new weights and a bias.
Status fold_into(const Graph& graph, Node& layer, const Node& norm) {
  const Parameter &gamma = *norm.parameter("gamma"), &beta = *norm.parameter("beta");
  const Parameter &mean = *norm.parameter("mean"), &variance = *norm.parameter("variance");
  const size_t channels = gamma.value.size();
  const double epsilon = std::get<BatchNorm>(norm.op).epsilon;
  std::vector<double> factor(channels);
  for (size_t c = 0; c < channels; ++c) {
    const double spread = variance.value[c] + epsilon;
    if (!(spread > 0)) {
      return fold_error(graph, norm,
                        fmt::format("variance {} + epsilon {} of channel {} is not positive",
                                    variance.value[c], epsilon, c));
    }
    factor[c] = gamma.value[c] / std::sqrt(spread);
  }
  Parameter& weight = *layer.parameter("weight");
  // Output channels are the last axis of a depthwise weight, the first of the others.
  const bool channel_last = std::holds_alternative<DepthwiseConv2D>(layer.op);
  const size_t per_channel = weight.value.size() / channels;
  for (size_t i = 0; i < weight.value.size(); ++i) {
    const size_t c = channel_last ? i % channels : i / per_channel;
    weight.value[i] = static_cast<float>(weight.value[i] * factor[c]);
  }
  apply_mask(weight);
  if (layer.parameter("bias") == nullptr) {
    const Shape shape{static_cast<int>(channels)};
    layer.parameters.push_back(
        {"bias", shape, std::vector<float>(channels, 0.0f), {}, std::nullopt});
  }
  Parameter& bias = *layer.parameter("bias");
  std::vector<uint8_t> mask;
  for (size_t c = 0; c < channels; ++c) {
    bias.value[c] =
        static_cast<float>((bias.value[c] - double{mean.value[c]}) * factor[c] + beta.value[c]);
    // A channel whose gamma and beta are pruned has the output 0; any other keeps a bias.
    mask.push_back(pruned(gamma, c) && pruned(beta, c) ? 0 : 1);
  }
  const bool any_pruned = std::find(mask.begin(), mask.end(), 0) != mask.end();
  bias.mask = any_pruned ? std::move(mask) : std::vector<uint8_t>();
  apply_mask(bias);
  return {};
}

Status check_foldable(Graph& graph, const Node& norm, const Node* layer) {
  const bool weighted = layer != nullptr && (std::holds_alternative<Conv2D>(layer->op) ||
                                             std::holds_alternative<DepthwiseConv2D>(layer->op) ||
                                             std::holds_alternative<FullyConnected>(layer->op));
  if (!weighted) {
    return fold_error(
        graph, norm,
        fmt::format("follows {}; only a batch norm right after a convolution or a fully "
                    "connected layer folds",
                    layer == nullptr ? "the graph's input" : '"' + layer->name + '"'));
  }
  Op op = layer->op;
  if (*activation_of(op) != Activation::kNone) {
    return fold_error(graph, norm, fmt::format("follows the activation of \"{}\"", layer->name));
  }
  if (consumer_counts(graph)[index_of(layer->output)] != 1) {
    return fold_error(graph, norm,
                      fmt::format("another layer reads the output of \"{}\" too", layer->name));
  }
  if (layer->parameter("weight")->quantized) {
    return fold_error(graph, norm, fmt::format("\"{}\" is already quantized", layer->name));
  }
  return {};
}

Status fold_in_place(Graph& graph) {
  for (size_t i = 0; i < graph.nodes.size();) {
    if (!std::holds_alternative<BatchNorm>(graph.nodes[i].op)) {
      ++i;
      continue;
    }
    const Node& norm = graph.nodes[i];
    Node* layer = producer_of(graph, norm.inputs[0]);
    COPPICE_TRY_STATUS(check_foldable(graph, norm, layer));
    COPPICE_TRY_STATUS(fold_into(graph, *layer, norm));
    bypass(graph, i);
  }
  return {};
}

void remove_dropout(Graph& graph) {
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (std::holds_alternative<Dropout>(node.op) &&
        same_quantization(graph.tensors[index_of(node.inputs[0])],
                          graph.tensors[index_of(node.output)])) {
      bypass(graph, i);
    }
  }
}

void fuse_activations(Graph& graph) {
  for (size_t i = 0; i < graph.nodes.size();) {
    const Node& node = graph.nodes[i];
    const bool relu = std::holds_alternative<Relu>(node.op),
               relu6 = std::holds_alternative<Relu6>(node.op);
    Node* before = relu || relu6 ? producer_of(graph, node.inputs[0]) : nullptr;
    Activation* slot = before == nullptr ? nullptr : activation_of(before->op);
    // Integers: with one quantization on both sides, clamping early gives the same bits.
    if (slot == nullptr || *slot != Activation::kNone ||
        consumer_counts(graph)[index_of(before->output)] != 1 ||
        !same_quantization(graph.tensors[index_of(before->output)],
                           graph.tensors[index_of(node.output)])) {
      ++i;
      continue;
    }
    *slot = relu ? Activation::kRelu : Activation::kRelu6;
    bypass(graph, i);
  }
}

}  // namespace

Result<Graph> fold_batch_norm(Graph graph) {
  COPPICE_TRY_STATUS(validate(graph));
  COPPICE_TRY_STATUS(fold_in_place(graph));
  drop_unused_tensors(graph);
  return graph;
}

Result<Graph> fuse_for_inference(Graph graph) {
  COPPICE_TRY_STATUS(validate(graph));
  remove_dropout(graph);
  COPPICE_TRY_STATUS(fold_in_place(graph));
  fuse_activations(graph);
  drop_unused_tensors(graph);
  return graph;
}

}  // namespace coppice
