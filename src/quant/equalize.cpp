#include <algorithm>
#include <cmath>

#include "coppice/quant/steps.h"
#include "quant/layer_access.h"

namespace coppice::quant {
namespace {

struct Pair {
  size_t first = 0, second = 0;  // Nodes.
  int channels = 0;              // That the first writes.
};

const Node* only_reader(const Graph& graph, const std::vector<int>& readers, int tensor) {
  if (readers[at(tensor)] != 1) return nullptr;
  for (const Node& node : graph.nodes) {
    if (std::find(node.inputs.begin(), node.inputs.end(), tensor) != node.inputs.end())
      return &node;
  }
  return nullptr;  // The graph's output.
}

// Operations for which op(s * x) = s * op(x), channel by channel.
bool is_homogeneous(const Op& op) {
  return std::holds_alternative<Relu>(op) || std::holds_alternative<MaxPool2D>(op) ||
         std::holds_alternative<AvgPool2D>(op) || std::holds_alternative<GlobalAvgPool>(op) ||
         std::holds_alternative<Flatten>(op) || std::holds_alternative<Reshape>(op);
}

std::vector<Pair> find_pairs(const Graph& graph) {
  const std::vector<int> readers = consumer_counts(graph);
  std::vector<Pair> pairs;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& first = graph.nodes[n];
    if (first.parameter("weight") == nullptr || activation_of(first.op) == Activation::kRelu6)
      continue;
    const int channels = graph.tensors[at(first.output)].shape.back();
    const Node* reader = only_reader(graph, readers, first.output);
    while (reader != nullptr && is_homogeneous(reader->op)) {
      reader = only_reader(graph, readers, reader->output);
    }
    if (reader == nullptr || reader->parameter("weight") == nullptr) continue;
    const bool fits = std::holds_alternative<FullyConnected>(reader->op) ||
                      graph.tensors[at(reader->inputs[0])].shape.back() == channels;
    if (fits && InputChannels(*reader, channels).known())
      pairs.push_back({n, static_cast<size_t>(reader - graph.nodes.data()), channels});
  }
  return pairs;
}

void raise(float& largest, float value) { largest = std::max(largest, std::abs(value)); }

// The factors that the outputs of the first layer are divided by: sqrt(r1 / r2), which leaves both
// sides with sqrt(r1 r2) (equation 11 of the paper).
std::vector<float> factors_of(const Graph& graph, const Pair& pair) {
  const Node &first = graph.nodes[pair.first], &second = graph.nodes[pair.second];
  const Parameter &out = *first.parameter("weight"), &in = *second.parameter("weight");
  std::vector<float> written(at(pair.channels), 0.0f), read(written);
  for_each_element(out.shape, channel_axis(first.op),
                   [&](size_t channel, size_t i) { raise(written[channel], out.value[i]); });
  const InputChannels channels(second, pair.channels);
  for (size_t i = 0; i < in.value.size(); ++i) {
    raise(read[at(channels.channel_of(i))], in.value[i]);
  }
  std::vector<float> factors;
  for (size_t c = 0; c < written.size(); ++c) {
    const bool alive = written[c] > 0.0f && read[c] > 0.0f;
    factors.push_back(alive ? std::clamp(std::sqrt(written[c] / read[c]), 1.0f / 64.0f, 64.0f)
                            : 1.0f);
  }
  return factors;
}

void apply_factors(Graph& graph, const Pair& pair, const std::vector<float>& factors,
                   MomentsByLayer& moments) {
  Node &first = graph.nodes[pair.first], &second = graph.nodes[pair.second];
  Parameter &out = *first.parameter("weight"), &in = *second.parameter("weight");
  for_each_element(out.shape, channel_axis(first.op),
                   [&](size_t channel, size_t i) { out.value[i] /= factors[channel]; });
  if (Parameter* bias = first.parameter("bias")) {
    for (size_t c = 0; c < factors.size(); ++c) bias->value[c] /= factors[c];
  }
  const InputChannels channels(second, pair.channels);
  for (size_t i = 0; i < in.value.size(); ++i) {
    in.value[i] *= factors[at(channels.channel_of(i))];
  }
  const auto found = moments.find(first.name);
  for (size_t c = 0; found != moments.end() && c < factors.size(); ++c) {
    found->second.mean[c] /= factors[c];
    found->second.deviation[c] /= factors[c];
  }
}

}  // namespace

MomentsByLayer batch_norm_moments(const Graph& unfused) {
  MomentsByLayer moments;
  for (const Node& norm : unfused.nodes) {
    if (!std::holds_alternative<BatchNorm>(norm.op)) continue;
    for (const Node& layer : unfused.nodes) {
      if (layer.output != norm.inputs[0]) continue;
      ChannelMoments& entry = moments[layer.name];
      entry.mean = norm.parameter("beta")->value;
      for (const float gamma : norm.parameter("gamma")->value) {
        entry.deviation.push_back(std::abs(gamma));
      }
    }
  }
  return moments;
}

int equalize(Graph& fused, MomentsByLayer& moments) {
  const std::vector<Pair> pairs = find_pairs(fused);
  // A chain of pairs pulls on its layers from both sides; a few rounds settle it.
  for (int round = 0; round < 30; ++round) {
    float largest_change = 1.0f;
    for (const Pair& pair : pairs) {
      const std::vector<float> factors = factors_of(fused, pair);
      for (const float factor : factors) {
        largest_change = std::max({largest_change, factor, 1.0f / factor});
      }
      apply_factors(fused, pair, factors, moments);
    }
    if (largest_change < 1.01f) break;
  }
  return static_cast<int>(pairs.size());
}

}  // namespace coppice::quant
