#include <algorithm>
#include <cmath>
#include <limits>

#include "coppice/graph/scheme.h"
#include "coppice/kernels/quantize.h"

namespace coppice {
namespace {

// Factors of groups, so that a factor times a 4-bit weight still fits 8 bits.
constexpr int kLargestFactor = 16;

std::vector<float> largest_magnitudes(const Parameter& weight, int axis) {
  std::vector<float> largest(scale_count(weight.shape, axis), 0.0f);
  for_each_element(weight.shape, axis, [&](size_t channel, size_t i) {
    if (is_kept(weight, i))
      largest[channel] = std::max(largest[channel], std::abs(weight.value[i]));
  });
  return largest;
}

std::vector<float> mean_magnitudes(const Parameter& weight, int axis) {
  std::vector<double> sums(scale_count(weight.shape, axis), 0.0), counts(sums);
  for_each_element(weight.shape, axis, [&](size_t channel, size_t i) {
    if (!is_kept(weight, i)) return;
    sums[channel] += std::abs(weight.value[i]);
    counts[channel] += 1.0;
  });
  std::vector<float> means;
  for (size_t c = 0; c < sums.size(); ++c) {
    means.push_back(counts[c] == 0 ? 0.0f : static_cast<float>(sums[c] / counts[c]));
  }
  return means;
}

// What the scale must be for every weight to fit.
std::vector<float> largest_scales(const Parameter& weight, const WeightFormat& format, int axis) {
  if (format.range == WeightRange::kBinary) return mean_magnitudes(weight, axis);
  const IntegerRange integers = weight_integers(format.bits, format.range);
  const auto low = static_cast<float>(integers.low), high = static_cast<float>(integers.high);
  std::vector<float> scales(scale_count(weight.shape, axis), 0.0f);
  for_each_element(weight.shape, axis, [&](size_t channel, size_t i) {
    const float value = weight.value[i];
    if (is_kept(weight, i))
      scales[channel] = std::max(scales[channel], value < 0 ? value / low : value / high);
  });
  return scales;
}

std::vector<double> squared_errors(const Parameter& weight, const WeightFormat& format, int axis,
                                   const std::vector<float>& scales) {
  std::vector<double> errors(scales.size(), 0.0);
  for_each_element(weight.shape, axis, [&](size_t channel, size_t i) {
    if (!is_kept(weight, i)) return;
    const float scale = scales[channel];
    const auto integer = nearest_weight(weight.value[i], scale, format.bits, format.range);
    const double error = double{weight.value[i]} - double{scale} * integer;
    errors[channel] += error * error;
  });
  return errors;
}

float legal(float scale, float lowest, ScaleKind kind) {
  const float bounded = std::max(scale, lowest);
  return kind == ScaleKind::kAffine ? bounded : std::exp2(std::ceil(std::log2(bounded)));
}

// The index of the group that an element belongs to, among all groups of the weight.
size_t group_of(const Shape& shape, int group_size, size_t i) {
  const auto inputs = static_cast<size_t>(shape.back());
  const size_t per_channel = static_cast<size_t>(shape.elements()) / static_cast<size_t>(shape[0]);
  const size_t groups =
      (inputs + static_cast<size_t>(group_size) - 1) / static_cast<size_t>(group_size);
  return i / per_channel * groups + i % inputs / static_cast<size_t>(group_size);
}

bool has_groups(const WeightFormat& format, int axis) {
  return format.group_size > 0 && axis == 0 && format.bits <= 4;
}

// The scales of the channels such that the most demanding group has the largest factor.
void divide_by_largest_factor(const WeightFormat& format, int axis, std::vector<float>& scales) {
  if (!has_groups(format, axis)) return;
  for (float& scale : scales) scale /= kLargestFactor;
}

}  // namespace

size_t scale_count(const Shape& shape, int axis) {
  return axis < 0 ? 1 : static_cast<size_t>(shape[axis]);
}

int32_t nearest_weight(float value, float scale, int bits, WeightRange range) {
  if (range == WeightRange::kBinary) return value < 0.0f ? -1 : 1;
  const IntegerRange integers = weight_integers(bits, range);
  return kernels::quantize_value(value, scale, 0, integers.low, integers.high);
}

std::vector<float> min_weight_scales(const Parameter& weight, const Parameter* bias, float x_scale,
                                     int axis) {
  const std::vector<float> largest = largest_magnitudes(weight, axis);
  std::vector<float> bounds(largest.size(), 0.0f);
  const size_t biases = bias == nullptr ? 0 : bias->value.size();
  for (size_t o = 0; o < biases; ++o) {
    const size_t channel = largest.size() == 1 ? 0 : o;
    // Half the int32 range is left for the products. Where there are none, 20 bits of bias are
    // plenty, and keep the requantization factor moderate.
    const float steps = largest[channel] > 0.0f ? 0x1p30f : 0x1p20f;
    bounds[channel] = std::max(bounds[channel], std::abs(bias->value[o]) / (x_scale * steps));
  }
  for (size_t channel = 0; channel < bounds.size(); ++channel) {
    const bool dead = largest[channel] == 0.0f && bounds[channel] == 0.0f;
    bounds[channel] = dead ? 1.0f : std::max(bounds[channel], std::numeric_limits<float>::min());
  }
  return bounds;
}

std::vector<float> choose_weight_scales(const Parameter& weight, const WeightFormat& format,
                                        int axis, WeightScale method,
                                        const std::vector<float>& min_scales) {
  const std::vector<float> largest = largest_scales(weight, format, axis);
  const auto scaled = [&](float fraction) {
    std::vector<float> scales = largest;
    for (size_t c = 0; c < scales.size(); ++c) {
      scales[c] = legal(scales[c] * fraction, min_scales[c], format.scales);
    }
    return scales;
  };
  std::vector<float> best = scaled(1.0f);
  // The mean magnitude is the best binary scale already (Rastegari et al., "XNOR-Net", ECCV 2016).
  if (method == WeightScale::kMse && format.range != WeightRange::kBinary) {
    std::vector<double> least = squared_errors(weight, format, axis, best);
    for (int step = 1; step < 80; ++step) {
      const auto scales = scaled(1.0f - static_cast<float>(step) / 80.0f);
      const auto errors = squared_errors(weight, format, axis, scales);
      for (size_t c = 0; c < best.size(); ++c) {
        if (errors[c] < least[c]) least[c] = errors[c], best[c] = scales[c];
      }
    }
  }
  divide_by_largest_factor(format, axis, best);
  for (size_t c = 0; c < best.size(); ++c) best[c] = std::max(best[c], min_scales[c]);
  return best;
}

std::vector<int32_t> group_factors(const Parameter& weight, const WeightFormat& format, int axis,
                                   const std::vector<float>& scales) {
  std::vector<int32_t> factors(weight.value.size(), 1);
  if (!has_groups(format, axis)) return factors;
  const auto high = static_cast<float>(weight_integers(format.bits, format.range).high);
  std::vector<float> needed(weight.value.size(), 0.0f);  // By group.
  for_each_element(weight.shape, axis, [&](size_t channel, size_t i) {
    if (!is_kept(weight, i)) return;
    float& group = needed[group_of(weight.shape, format.group_size, i)];
    group = std::max(group, std::abs(weight.value[i]) / (high * scales[channel]));
  });
  for (size_t i = 0; i < factors.size(); ++i) {
    const float factor = std::ceil(needed[group_of(weight.shape, format.group_size, i)]);
    factors[i] = static_cast<int32_t>(std::clamp(factor, 1.0f, float{kLargestFactor}));
  }
  return factors;
}

void quantize_weight(Parameter& weight, const WeightFormat& format, int axis,
                     std::vector<float> scales) {
  const std::vector<int32_t> factors = group_factors(weight, format, axis, scales);
  const bool groups = has_groups(format, axis);
  QuantizedValues result;
  result.bits = groups ? 8 : container_bits(format.bits);
  result.precision = format.bits == result.bits ? 0 : format.bits;
  result.range = format.range;
  result.group_size = groups ? format.group_size : 0;
  result.axis = axis;
  result.scales = std::move(scales);
  result.values.resize(weight.value.size());
  for_each_element(weight.shape, axis, [&](size_t channel, size_t i) {
    if (!is_kept(weight, i)) return;
    const auto factor = static_cast<float>(factors[i]);
    result.values[i] = factors[i] * nearest_weight(weight.value[i], result.scales[channel] * factor,
                                                   format.bits, format.range);
  });
  weight.quantized = std::move(result);
}

}  // namespace coppice
