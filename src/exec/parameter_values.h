#pragma once

#include <algorithm>
#include <span>
#include <type_traits>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice::exec {

/// The values of a node's parameter as its kernels take them: masked floats, or the quantized
/// integers. Empty if the node has no such parameter.
template <class Value>
std::vector<Value> parameter_values(const Node& node, const char* name) {
  const Parameter* parameter = node.parameter(name);
  if (parameter == nullptr) return {};
  std::vector<Value> result(static_cast<size_t>(parameter->shape.elements()));
  if constexpr (std::is_same_v<Value, float>) {
    result = parameter->value;
    for (size_t i = 0; i < parameter->mask.size(); ++i) {
      if (parameter->mask[i] == 0) result[i] = 0.0f;
    }
  } else {
    std::transform(parameter->quantized->values.begin(), parameter->quantized->values.end(),
                   result.begin(), [](int32_t value) { return static_cast<Value>(value); });
  }
  return result;
}

/// parameter_values() for a while: without a copy where the parameter holds them as they are. The
/// node must outlive it.
template <class Value>
class ParameterView {
 public:
  ParameterView(const Node& node, const char* name) {
    if constexpr (std::is_same_v<Value, float>) {
      const Parameter* parameter = node.parameter(name);
      if (parameter != nullptr && parameter->mask.empty()) {
        values_ = parameter->value;
        return;
      }
    }
    copy_ = parameter_values<Value>(node, name);
    values_ = copy_;
  }
  ParameterView(const ParameterView&) = delete;
  ParameterView& operator=(const ParameterView&) = delete;

  /// Null if the node has no such parameter.
  const Value* data() const { return values_.empty() ? nullptr : values_.data(); }

 private:
  std::vector<Value> copy_;
  std::span<const Value> values_;
};

/// What the plain kernels read beside the weights: biases and, in integers, the factors of
/// requantize_table().
inline int64_t bytes_beside_weights(const Graph& graph, const Node& node) {
  const Parameter* bias = node.parameter("bias");
  const Parameter* weight = node.parameter("weight");
  int64_t bytes = bias == nullptr ? 0 : 4 * bias->shape.elements();
  if (weight != nullptr && weight->quantized) {
    bytes += static_cast<int64_t>(weight->quantized->scales.size()) *
             (graph.rounding == Rounding::kFloat ? 4 : 8);
  }
  return bytes;
}

}  // namespace coppice::exec
