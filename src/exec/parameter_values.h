#pragma once

#include <algorithm>
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

}  // namespace coppice::exec
