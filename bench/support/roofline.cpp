#include "support/roofline.h"

#include <algorithm>

#include "coppice/exec/lower.h"
#include "coppice/graph/cost.h"
#include "coppice/kernels/window.h"
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

// MACs of a layer without those on padding.
double needed_macs(const Graph& graph, const Node& node) {
  const auto macs = static_cast<double>(dense_macs(graph, node));
  if (!std::holds_alternative<Conv2D>(node.op) && !std::holds_alternative<DepthwiseConv2D>(node.op))
    return macs;
  const kernels::Window2D w = exec::window_of(graph, node);
  int64_t seen = 0;
  for (int y = 0; y < w.out_h; ++y) {
    for (int x = 0; x < w.out_w; ++x) kernels::for_each_tap(w, y, x, [&](int, int) { ++seen; });
  }
  const int64_t all = int64_t{1} * w.out_h * w.out_w * w.kernel_h * w.kernel_w;
  return macs * static_cast<double>(seen) / static_cast<double>(all);
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
  double all_weights = 0;
  for (const Node& node : graph.nodes) all_weights += weight_bytes(node);
  int level = 0;
  while (level < 2 && all_weights > static_cast<double>(cache_bytes(level + 1))) ++level;
  double seconds = 0;
  for (const Node& node : graph.nodes) {
    seconds += std::max({needed_macs(graph, node) / peaks.macs(graph),
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
