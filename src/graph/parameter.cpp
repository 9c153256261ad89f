#include "coppice/graph/parameter.h"

#include <fmt/format.h>

#include <algorithm>

#include "coppice/core/packed.h"

namespace coppice {
namespace {

constexpr std::string_view kRangeNames[] = {"narrow", "full", "binary"};

}  // namespace

std::string_view weight_range_name(WeightRange range) {
  return kRangeNames[static_cast<size_t>(range)];
}

Result<WeightRange> parse_weight_range(std::string_view name) {
  for (const auto range : {WeightRange::kNarrow, WeightRange::kFull, WeightRange::kBinary}) {
    if (weight_range_name(range) == name) return range;
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("unknown weight range \"{}\"; expected narrow, full or binary", name)};
}

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
