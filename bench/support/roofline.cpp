#include "support/roofline.h"

#include <algorithm>

#include "coppice/graph/cost.h"
#include "support/machine.h"

namespace coppice::bench {
namespace {

double weight_bytes(const Node& node) {
  double bytes = 0;
  for (const Parameter& parameter : node.parameters) {
    bytes += static_cast<double>(stored_bytes(parameter));
  }
  return bytes;
}

double activation_bytes(const Graph& graph, const Node& node) {
  const auto bytes_of = [&](int tensor) {
    const double size = graph.quantized() ? 1 : 4;
    return size * static_cast<double>(graph.tensors[static_cast<size_t>(tensor)].shape.elements());
  };
  double bytes = bytes_of(node.output);
  for (const int input : node.inputs) bytes += bytes_of(input);
  return bytes;
}

}  // namespace

Peaks Peaks::measure(Isa limit) {
  Peaks peaks;
  peaks.float_macs = peak_mac_rate(limit, Arithmetic::kFloat);
  peaks.int8_macs = peak_mac_rate(limit, Arithmetic::kInt8);
  for (int level = 1; level <= 3; ++level) {
    peaks.load_bytes[level - 1] = peak_load_rate(limit, cache_bytes(level) / 2);
  }
  return peaks;
}

double floor_seconds(const Graph& graph, const Peaks& peaks) {
  const Cost cost = measure_cost(graph);
  double all_weights = 0;
  for (const Node& node : graph.nodes) all_weights += weight_bytes(node);
  int level = 0;
  while (level < 2 && all_weights > static_cast<double>(cache_bytes(level + 1))) ++level;
  double seconds = 0;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    seconds += std::max({static_cast<double>(cost.layers[i].macs_dense) / peaks.macs(graph),
                         weight_bytes(node) / peaks.load_bytes[level],
                         activation_bytes(graph, node) / peaks.load_bytes[0]});
  }
  return seconds;
}

double touched_bytes(const Graph& graph) {
  double bytes = 0;
  for (const Node& node : graph.nodes) bytes += weight_bytes(node) + activation_bytes(graph, node);
  return bytes;
}

}  // namespace coppice::bench
