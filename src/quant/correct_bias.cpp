#include <cmath>

#include "coppice/quant/steps.h"
#include "quant/layer_access.h"
#include "quant/patches.h"

namespace coppice::quant {
namespace {

// Mean patch of a group.
std::vector<double> mean_of(const Patches& patches, const LayerProducts& products, int group) {
  std::vector<double> mean(at(products.depth()), 0.0);
  const float* row = patches.of(products, group);
  for (int r = 0; r < patches.rows; ++r, row += products.depth()) {
    for (size_t k = 0; k < mean.size(); ++k) mean[k] += double{row[k]} / patches.rows;
  }
  return mean;
}

// E[w x] - E[w' x'] by channel, for the float weight and input and the quantized ones.
std::vector<double> mean_shift(const LayerProducts& products, const Parameter& exact,
                               const Patches& exact_inputs, const Parameter& quantized,
                               const Patches& quantized_inputs) {
  const std::vector<float> real = dequantize(quantized);
  std::vector<double> shift(at(int64_t{products.groups()} * products.outputs()), 0.0);
  for (int group = 0; group < products.groups(); ++group) {
    const auto before = mean_of(exact_inputs, products, group);
    const auto after = mean_of(quantized_inputs, products, group);
    for (int output = 0; output < products.outputs(); ++output) {
      double& sum = shift[products.channel(group, output)];
      for (int k = 0; k < products.depth(); ++k) {
        const size_t i = products.element(group, output, k);
        sum += double{exact.value[i]} * before[at(k)] - double{real[i]} * after[at(k)];
      }
    }
  }
  return shift;
}

// Mean of a normal variable behind an activation.
double activated_mean(double mean, double deviation, Activation activation) {
  if (activation == Activation::kNone) return mean;
  if (deviation <= 0.0) {
    const double high = activation == Activation::kRelu6 ? std::min(mean, 6.0) : mean;
    return std::max(0.0, high);
  }
  const auto density = [](double z) { return std::exp(-0.5 * z * z) / std::sqrt(2.0 * M_PI); };
  const auto below = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
  // E[max(x - a, 0)].
  const auto excess = [&](double a) {
    const double z = (mean - a) / deviation;
    return (mean - a) * below(z) + deviation * density(z);
  };
  return excess(0.0) - (activation == Activation::kRelu6 ? excess(6.0) : 0.0);
}

// The means of the channels of a tensor, as the layer that wrote it says, behind operations that
// keep means; empty when there is none.
std::vector<double> tensor_means(const Graph& graph, int tensor, const MomentsByLayer& moments) {
  for (const Node& node : graph.nodes) {
    if (node.output != tensor) continue;
    const bool keeps = std::holds_alternative<AvgPool2D>(node.op) ||
                       std::holds_alternative<GlobalAvgPool>(node.op) ||
                       std::holds_alternative<Flatten>(node.op) ||
                       std::holds_alternative<Reshape>(node.op);
    if (keeps) return tensor_means(graph, node.inputs[0], moments);
    const auto found = moments.find(node.name);
    if (found == moments.end()) return {};
    std::vector<double> means;
    for (size_t c = 0; c < found->second.mean.size(); ++c) {
      means.push_back(activated_mean(found->second.mean[c], found->second.deviation[c],
                                     activation_of(node.op)));
    }
    return means;
  }
  return {};
}

}  // namespace

Status correct_bias_empirically(const Graph& reference, Graph& quantized, const Samples& samples) {
  const std::vector<size_t> nodes = weighted_nodes(quantized);
  COPPICE_TRY(const auto exact, collect_patches(reference, samples, nodes, 0));
  for (size_t l = 0; l < nodes.size(); ++l) {
    // What the corrected layers before it yield.
    COPPICE_TRY(const auto inputs, collect_patches(quantized, samples, {nodes[l]}, 0));
    Node& node = quantized.nodes[nodes[l]];
    const LayerProducts products(quantized, node);
    shift_bias(quantized, node,
               mean_shift(products, *reference.nodes[nodes[l]].parameter("weight"), exact[l],
                          *node.parameter("weight"), inputs[0]));
  }
  return {};
}

int correct_bias_analytically(const Graph& reference, Graph& quantized,
                              const MomentsByLayer& moments) {
  int corrected = 0;
  for (const size_t n : weighted_nodes(quantized)) {
    Node& node = quantized.nodes[n];
    const std::vector<double> means = tensor_means(quantized, node.inputs[0], moments);
    if (means.empty()) continue;
    const InputChannels channels(node, static_cast<int>(means.size()));
    if (!channels.known()) continue;
    const Parameter& exact = *reference.nodes[n].parameter("weight");
    const Parameter& weight = *node.parameter("weight");
    const std::vector<float> real = dequantize(weight);
    const int axis = channel_axis(node.op);
    std::vector<double> shift(scale_count(weight.shape, axis), 0.0);
    for_each_element(weight.shape, axis, [&](size_t channel, size_t i) {
      shift[channel] +=
          (double{exact.value[i]} - double{real[i]}) * means[at(channels.channel_of(i))];
    });
    shift_bias(quantized, node, shift);
    ++corrected;
  }
  return corrected;
}

}  // namespace coppice::quant
