#include "coppice/graph/storage.h"

#include <algorithm>
#include <vector>

#include "coppice/graph/cost.h"
#include "coppice/sparse/choose.h"

namespace coppice {
namespace {

template <class T>
std::vector<T> values_of(const Parameter& weight) {
  if (weight.quantized) {
    return {weight.quantized->values.begin(), weight.quantized->values.end()};
  }
  std::vector<T> values(weight.value.begin(), weight.value.end());
  for (size_t i = 0; i < weight.mask.size(); ++i) {
    if (weight.mask[i] == 0) values[i] = T{0};
  }
  return values;
}

/// OHWI and OI are a row for each output channel; HWC is the transpose.
template <class T>
sparse::DenseWeights<T> dense_weights(const Node& node, const Shape& shape, const T* values) {
  if (std::holds_alternative<DepthwiseConv2D>(node.op)) {
    return {values, shape[2], shape[0] * shape[1], 1, 1, shape[2]};
  }
  if (std::holds_alternative<FullyConnected>(node.op)) {
    return {values, shape[0], 1, shape[1], shape[1], 1};
  }
  const int taps = shape[1] * shape[2];
  return {values, shape[0], taps, shape[3], ptrdiff_t{taps} * shape[3], 1};
}

template <class T>
WeightStorage smallest_of(const Node& node, const Parameter& weight) {
  const std::vector<T> values = values_of<T>(weight);
  const auto dense = dense_weights(node, weight.shape, values.data());
  WeightStorage best{sparse::format_name(sparse::FormatKind::kDense), stored_bytes(weight)};
  for (int i = 1; i < sparse::kFormatKinds; ++i) {
    const auto kind = static_cast<sparse::FormatKind>(i);
    const auto bytes = static_cast<int64_t>(sparse::format_bytes(kind, dense));
    if (bytes != 0 && bytes < best.bytes) best = {sparse::format_name(kind), bytes};
  }
  return best;
}

}  // namespace

WeightStorage smallest_storage(const Node& node) {
  const Parameter* weight = node.parameter("weight");
  if (weight == nullptr) return {};
  return weight->quantized ? smallest_of<int8_t>(node, *weight) : smallest_of<float>(node, *weight);
}

int64_t smallest_storage_bytes(const Graph& graph) {
  int64_t bytes = measure_cost(graph).flash_bytes;
  for (const Node& node : graph.nodes) {
    const Parameter* weight = node.parameter("weight");
    if (weight != nullptr) bytes += smallest_storage(node).bytes - stored_bytes(*weight);
  }
  return bytes;
}

}  // namespace coppice
