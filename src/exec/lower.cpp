#include "coppice/exec/lower.h"

#include <algorithm>

#include "coppice/graph/scheme.h"
#include "coppice/kernels/quantize.h"

namespace coppice::exec {
namespace {

const TensorInfo& input_of(const Graph& graph, const Node& node, size_t index = 0) {
  return graph.tensors[static_cast<size_t>(node.inputs[index])];
}
const TensorInfo& output_of(const Graph& graph, const Node& node) {
  return graph.tensors[static_cast<size_t>(node.output)];
}
int32_t zero_of(const TensorInfo& tensor) {
  return tensor.quantization ? tensor.quantization->zero_point : 0;
}

struct WindowOf {
  kernels::Window2D window;  // Sizes of input and output.

  template <class Op>
  kernels::Window2D operator()(const Op& op) {
    if constexpr (requires { op.kernel; }) {
      window.kernel_h = op.kernel.h, window.kernel_w = op.kernel.w;
      window.stride_h = op.stride.h, window.stride_w = op.stride.w;
      window.pad_top = op.padding.top, window.pad_left = op.padding.left;
    }
    if constexpr (requires { op.dilation; }) {
      window.dilation_h = op.dilation.h, window.dilation_w = op.dilation.w;
    }
    return window;
  }
};

Activation activation_of(const Op& op) {
  return std::visit(
      [](const auto& typed) {
        if constexpr (requires { typed.activation; }) return typed.activation;
        return Activation::kNone;
      },
      op);
}

}  // namespace

kernels::Window2D window_of(const Graph& graph, const Node& node) {
  const Shape& in = input_of(graph, node).shape;
  if (std::holds_alternative<GlobalAvgPool>(node.op)) return kernels::whole_image(in[0], in[1]);
  const Shape& out = output_of(graph, node).shape;
  kernels::Window2D window;
  window.in_h = in[0], window.in_w = in[1];
  window.out_h = out[0], window.out_w = out[1];
  return std::visit(WindowOf{window}, node.op);
}

kernels::Conv2DParams conv2d_params(const Graph& graph, const Node& node) {
  const auto& op = std::get<Conv2D>(node.op);
  const TensorInfo& x = input_of(graph, node);
  return {window_of(graph, node), x.shape[2], op.out_channels, op.groups, zero_of(x)};
}

kernels::DepthwiseConv2DParams depthwise_conv2d_params(const Graph& graph, const Node& node) {
  const auto& op = std::get<DepthwiseConv2D>(node.op);
  const TensorInfo& x = input_of(graph, node);
  return {window_of(graph, node), x.shape[2], op.multiplier, zero_of(x)};
}

kernels::FullyConnectedParams fully_connected_params(const Graph& graph, const Node& node) {
  const TensorInfo& x = input_of(graph, node);
  return {static_cast<int>(x.shape.elements()), std::get<FullyConnected>(node.op).out_features,
          zero_of(x), 0};
}

kernels::SoftmaxParams softmax_params(const Graph& graph, const Node& node) {
  const TensorInfo& x = input_of(graph, node);
  const int depth = x.shape.back();
  const int rows = static_cast<int>(x.shape.elements() / depth);
  if (x.quantization) return kernels::make_softmax_params(rows, depth, x.quantization->scale);
  kernels::SoftmaxParams params;
  params.rows = rows;
  params.depth = depth;
  return params;
}

kernels::SoftmaxWideParams softmax_wide_params(const Graph& graph, const Node& node) {
  const TensorInfo& x = input_of(graph, node);
  const int depth = x.shape.back();
  return kernels::make_softmax_wide_params(static_cast<int>(x.shape.elements() / depth), depth,
                                           x.quantization->scale, graph.rounding);
}

kernels::AddParams add_params(const Graph& graph, const Node& node) {
  const TensorInfo& y = output_of(graph, node);
  const auto& a = *input_of(graph, node, 0).quantization;
  const auto& b = *input_of(graph, node, 1).quantization;
  auto params = kernels::make_add_params(
      static_cast<int>(y.shape.elements()), graph.rounding, a.scale, a.zero_point, b.scale,
      b.zero_point, y.quantization->scale, y.quantization->zero_point,
      y.quantization->wide() ? kernels::kAddLeftShiftWide : kernels::kAddLeftShift);
  const IntegerClamp clamp = integer_clamp(activation_of(node.op), *y.quantization);
  params.min = clamp.min;
  params.max = clamp.max;
  return params;
}

IntegerClamp integer_clamp(Activation activation, const ActivationQuantization& output) {
  const IntegerRange integers = activation_integers(output.bits);
  IntegerClamp clamp{integers.low, integers.high};
  if (activation == Activation::kNone) return clamp;
  clamp.min = std::max<int32_t>(clamp.min, output.zero_point);
  if (activation == Activation::kRelu6) {
    clamp.max =
        kernels::quantize_value(6.0f, output.scale, output.zero_point, clamp.min, integers.high);
  }
  return clamp;
}

kernels::ClampFloat float_clamp(Activation activation) {
  kernels::ClampFloat clamp;
  if (activation != Activation::kNone) clamp.min = 0.0f;
  if (activation == Activation::kRelu6) clamp.max = 6.0f;
  return clamp;
}

kernels::Requantize RequantizeTable::view() const {
  kernels::Requantize to;
  to.rounding = rounding;
  to.multiplier = multiplier.data();
  to.shift = shift.data();
  to.scale = scale.data();
  to.channel_step = scale.size() > 1 ? 1 : 0;
  to.zero = zero;
  to.min = clamp.min;
  to.max = clamp.max;
  return to;
}

kernels::RequantizeWide RequantizeTable::wide_view() const {
  return {multiplier.data(), shift.data(), scale.size() > 1 ? 1 : 0, clamp.min, clamp.max};
}

RequantizeTable requantize_table(const Graph& graph, const Node& node) {
  const auto& x = *input_of(graph, node).quantization;
  const auto& y = *output_of(graph, node).quantization;
  RequantizeTable table;
  table.rounding = graph.rounding;
  table.zero = y.zero_point;
  table.clamp = integer_clamp(activation_of(node.op), y);
  for (const float w_scale : node.parameter("weight")->quantized->scales) {
    const auto factor =
        kernels::quantize_multiplier(double{x.scale} * double{w_scale} / double{y.scale});
    table.multiplier.push_back(factor.multiplier);
    table.shift.push_back(factor.shift);
    table.scale.push_back(x.scale * w_scale / y.scale);
  }
  return table;
}

}  // namespace coppice::exec
