#include "coppice/quant/scheme.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "coppice/kernels/quantize.h"

namespace coppice::quant {
namespace {

// Calls visit(channel, index) for each element; axis -1 has one channel.
template <class Visit>
void for_each_element(const Shape& shape, int axis, Visit&& visit) {
  int64_t inner = 1;
  for (int a = axis + 1; axis >= 0 && a < shape.rank(); ++a) inner *= shape[a];
  for (int64_t i = 0; i < shape.elements(); ++i) {
    visit(axis < 0 ? size_t{0} : static_cast<size_t>(i / inner % shape[axis]),
          static_cast<size_t>(i));
  }
}

size_t channel_count(const Shape& shape, int axis) {
  return axis < 0 ? 1 : static_cast<size_t>(shape[axis]);
}

std::vector<float> largest_magnitudes(const Parameter& weight, int axis) {
  std::vector<float> largest(channel_count(weight.shape, axis), 0.0f);
  for_each_element(weight.shape, axis, [&](size_t channel, size_t i) {
    const bool kept = weight.mask.empty() || weight.mask[i] != 0;
    if (kept) largest[channel] = std::max(largest[channel], std::abs(weight.value[i]));
  });
  return largest;
}

}  // namespace

ActivationQuantization choose_activation(Range range) {
  const double min = std::min(0.0, double{range.min});
  const double max = std::max(0.0, double{range.max});
  ActivationQuantization result;
  result.scale = static_cast<float>((max - min) / 255.0);
  // Also where the step is too small for a float to have a reciprocal.
  if (result.scale < std::numeric_limits<float>::min()) {
    result.scale = 1.0f;
    return result;
  }
  result.zero_point =
      static_cast<int>(std::clamp(std::round(-128.0 - min / double{result.scale}), -128.0, 127.0));
  return result;
}

int channel_axis(const Op& op) { return std::holds_alternative<DepthwiseConv2D>(op) ? 2 : 0; }

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

void quantize_weight(Parameter& weight, int bits, int axis, const std::vector<float>& min_scales) {
  const int limit = weight_limit(bits);
  QuantizedValues result;
  result.bits = bits;
  result.axis = axis;
  result.scales = largest_magnitudes(weight, axis);
  for (size_t channel = 0; channel < result.scales.size(); ++channel) {
    float& scale = result.scales[channel];
    scale = std::max(scale / static_cast<float>(limit), min_scales[channel]);
  }
  result.values.resize(weight.value.size());
  for_each_element(weight.shape, axis, [&](size_t channel, size_t i) {
    const bool kept = weight.mask.empty() || weight.mask[i] != 0;
    result.values[i] =
        kept ? kernels::quantize_value(weight.value[i], result.scales[channel], 0, -limit, limit)
             : 0;
  });
  weight.quantized = std::move(result);
}

void quantize_bias(Parameter& bias, float x_scale, const std::vector<float>& weight_scales) {
  QuantizedValues result;
  result.bits = 32;
  result.axis = weight_scales.size() == 1 ? -1 : 0;
  for (const float scale : weight_scales) result.scales.push_back(x_scale * scale);
  for (size_t o = 0; o < bias.value.size(); ++o) {
    const double scale = double{x_scale} * double{weight_scales[weight_scales.size() == 1 ? 0 : o]};
    const double steps = std::round(double{bias.value[o]} / scale);
    result.values.push_back(static_cast<int32_t>(std::clamp(steps, -2147483647.0, 2147483647.0)));
  }
  bias.quantized = std::move(result);
}

std::vector<int> sharing_groups(const Graph& graph) {
  std::vector<int> group(graph.tensors.size());
  std::iota(group.begin(), group.end(), 0);
  const auto merge = [&](int a, int b) {
    const int from = group[static_cast<size_t>(std::max(a, b))],
              to = group[static_cast<size_t>(std::min(a, b))];
    std::replace(group.begin(), group.end(), std::max(from, to), std::min(from, to));
  };
  for (const Node& node : graph.nodes) {
    const bool rescales = node.parameter("weight") != nullptr ||
                          std::holds_alternative<Add>(node.op) ||
                          std::holds_alternative<Softmax>(node.op);
    if (rescales) continue;
    for (const int input : node.inputs) merge(input, node.output);
  }
  return group;
}

}  // namespace coppice::quant
