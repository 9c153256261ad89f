#include "coppice/graph/scheme.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "coppice/kernels/quantize.h"

namespace coppice {
namespace {

constexpr float kTiny = std::numeric_limits<float>::min();

// The next power of two.
float rounded_up(float scale, ScaleKind kind) {
  return kind == ScaleKind::kAffine ? scale : std::exp2(std::ceil(std::log2(scale)));
}

}  // namespace

IntegerRange weight_integers(int bits, WeightRange range) {
  if (range == WeightRange::kBinary) return {-1, 1};
  const int limit = weight_limit(bits);
  return {range == WeightRange::kFull ? -limit - 1 : -limit, limit};
}

ActivationQuantization choose_activation(Range range, const ActivationFormat& format) {
  double min = std::min(0.0, double{range.min});
  double max = std::max(0.0, double{range.max});
  const IntegerRange integers = activation_integers(format.bits);
  ActivationQuantization result;
  result.bits = format.bits;
  double steps = integers.high - integers.low;
  const bool symmetric = format.symmetric || result.wide();
  if (symmetric) {
    max = std::max(max, -min);
    min = 0.0;
    steps = integers.high;
  }
  result.scale = static_cast<float>((max - min) / steps);
  // Also where the step is too small for a float to have a reciprocal.
  if (result.scale < kTiny) {
    result.scale = 1.0f;
    return result;
  }
  result.scale = rounded_up(result.scale, format.scales);
  if (!symmetric) {
    const double low = integers.low, high = integers.high;
    result.zero_point =
        static_cast<int>(std::clamp(std::round(low - min / double{result.scale}), low, high));
  }
  return result;
}

ActivationQuantization softmax_output(int bits) {
  if (bits > 8) return {16, 1.0f / 32768.0f, 0};
  return {8, 1.0f / 256.0f, -128};
}

int channel_axis(const Op& op) { return std::holds_alternative<DepthwiseConv2D>(op) ? 2 : 0; }

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

std::vector<float> dequantize(const Parameter& parameter) {
  const QuantizedValues& quantized = *parameter.quantized;
  std::vector<float> real(quantized.values.size());
  for_each_element(parameter.shape, quantized.axis, [&](size_t channel, size_t i) {
    real[i] = kernels::dequantize_value(quantized.values[i], quantized.scales[channel], 0);
  });
  return real;
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

}  // namespace coppice
