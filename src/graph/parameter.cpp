#include "coppice/graph/parameter.h"

#include <algorithm>

#include "coppice/core/packed.h"

namespace coppice {

void apply_mask(Parameter& parameter) {
  for (size_t i = 0; i < parameter.mask.size(); ++i) {
    if (parameter.mask[i] == 0) parameter.value[i] = 0.0f;
  }
}

int64_t nonzero_count(const Parameter& parameter) {
  const auto count = [](const auto& values) {
    return static_cast<int64_t>(values.size()) - std::count(values.begin(), values.end(), 0);
  };
  return parameter.quantized ? count(parameter.quantized->values) : count(parameter.value);
}

int64_t stored_bytes(const Parameter& parameter) {
  const auto elements = static_cast<size_t>(parameter.shape.elements());
  if (!parameter.quantized) return static_cast<int64_t>(elements * sizeof(float));
  if (parameter.quantized->bits == 32) return static_cast<int64_t>(elements * sizeof(int32_t));
  return static_cast<int64_t>(packed_bytes(elements, parameter.quantized->bits));
}

}  // namespace coppice
