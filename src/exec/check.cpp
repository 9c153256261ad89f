#include <fmt/format.h>

#include <algorithm>

#include "coppice/exec/lower.h"
#include "coppice/graph/scheme.h"

namespace coppice::exec {
namespace {

Error node_error(const Graph& graph, const Node& node, std::string_view what) {
  return Error{ErrorCode::kUnsupported, fmt::format("{}: layer \"{}\" ({}): {}", graph.name,
                                                    node.name, op_name(node.op), what)};
}

Status check_tensor(const Graph& graph, const Node& node, int index) {
  const TensorInfo& tensor = graph.tensors[static_cast<size_t>(index)];
  const auto& quantization = tensor.quantization;
  if (!quantization)
    return node_error(graph, node, fmt::format("\"{}\" has no quantization", tensor.name));
  const int bits = quantization->bits;
  if (bits != 16 && bits != 8 && bits != 4 && bits != 2) {
    return node_error(graph, node,
                      fmt::format("\"{}\" has {}-bit activations; the kernels take 16, 8, 4 or 2",
                                  tensor.name, bits));
  }
  if (bits == 16 && graph.rounding == Rounding::kFloat) {
    return node_error(graph, node,
                      fmt::format("\"{}\" has 16-bit activations; the rounding \"float\" is "
                                  "XNNPACK's, which has none",
                                  tensor.name));
  }
  const int low = bits == 16 ? 0 : -128, high = bits == 16 ? 0 : 127;
  if (!(quantization->scale > 0.0f) || quantization->zero_point < low ||
      quantization->zero_point > high) {
    return node_error(
        graph, node,
        fmt::format("\"{}\" has scale {} and zero point {}; expected a "
                    "positive scale and a zero point in [{}, {}]",
                    tensor.name, quantization->scale, quantization->zero_point, low, high));
  }
  return {};
}

Status check_weights(const Graph& graph, const Node& node) {
  const Parameter& weight = *node.parameter("weight");
  if (!weight.quantized) return node_error(graph, node, "its weight carries no integers");
  const auto& values = *weight.quantized;
  if (values.bits != 8 && values.bits != 4 && values.bits != 2) {
    return node_error(graph, node,
                      fmt::format("has {}-bit weights; expected 8, 4 or 2", values.bits));
  }
  const uint32_t limit = 1u << (values.bits - 1);
  uint32_t bits = 0;  // Of all values, moved to begin with 0: so the loop is vectorized.
  for (const int32_t value : values.values) bits |= static_cast<uint32_t>(value) + limit;
  if (bits >= 2 * limit) {
    return node_error(graph, node, fmt::format("a weight does not fit {} bits", values.bits));
  }
  const int channel_axis = std::holds_alternative<DepthwiseConv2D>(node.op) ? 2 : 0;
  if (values.axis != -1 && values.axis != channel_axis) {
    return node_error(graph, node,
                      fmt::format("its weight scales lie along axis {}; expected {} or none",
                                  values.axis, channel_axis));
  }
  if (std::any_of(values.scales.begin(), values.scales.end(),
                  [](float s) { return !(s > 0.0f); })) {
    return node_error(graph, node, "a weight scale is not positive");
  }
  const Parameter* bias = node.parameter("bias");
  if (bias != nullptr && (!bias->quantized || bias->quantized->bits != 32)) {
    return node_error(graph, node, "its bias carries no 32-bit integers");
  }
  return {};
}

Status check_shared_quantization(const Graph& graph, const Node& node) {
  const auto& y = *graph.tensors[static_cast<size_t>(node.output)].quantization;
  for (const int input : node.inputs) {
    const TensorInfo& tensor = graph.tensors[static_cast<size_t>(input)];
    const auto& x = *tensor.quantization;
    if (x.scale != y.scale || x.zero_point != y.zero_point) {
      return node_error(graph, node,
                        fmt::format("input \"{}\" has scale {} and zero point {}, the output {} "
                                    "and {}; they must share one quantization",
                                    tensor.name, x.scale, x.zero_point, y.scale, y.zero_point));
    }
  }
  return {};
}

}  // namespace

Status check_integer_node(const Graph& graph, const Node& node) {
  for (const int input : node.inputs) COPPICE_TRY_STATUS(check_tensor(graph, node, input));
  COPPICE_TRY_STATUS(check_tensor(graph, node, node.output));
  if (node.parameter("weight") != nullptr) return check_weights(graph, node);
  if (std::holds_alternative<Add>(node.op)) return {};
  if (std::holds_alternative<Softmax>(node.op)) {
    const auto& y = *graph.tensors[static_cast<size_t>(node.output)].quantization;
    const ActivationQuantization expected = softmax_output(y.bits);
    if (y.scale == expected.scale && y.zero_point == expected.zero_point) return {};
    return node_error(
        graph, node,
        fmt::format("its output has scale {} and zero point {}; expected 1/{} and {}", y.scale,
                    y.zero_point, 1.0f / expected.scale, expected.zero_point));
  }
  return check_shared_quantization(graph, node);
}

}  // namespace coppice::exec
