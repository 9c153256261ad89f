// XNNPACK's operators, one after the other in the caller's thread: TensorFlow Lite's CPU back end.
#include <xnnpack.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "coppice/exec/lower.h"
#include "peers/peers.h"
#include "peers/tensor_buffers.h"

namespace coppice::bench {
namespace {

struct Delete {
  void operator()(xnn_operator_t op) const { xnn_delete_operator(op); }
};
using Operator = std::unique_ptr<xnn_operator, Delete>;

Error unsupported(const Node& node, const std::string& why) {
  return Error{ErrorCode::kUnsupported, "xnnpack: layer " + node.name + ": " + why};
}

Status check(xnn_status status, const Node& node, const char* call) {
  if (status == xnn_status_success) return {};
  return unsupported(node, std::string(call) + " fails with status " + std::to_string(status));
}

// Sizes of a convolution as XNNPACK names them.
struct Convolution {
  Padding padding;
  Size2 kernel, stride, dilation;
  uint32_t groups = 1;
  size_t group_inputs = 1, group_outputs = 1;
  Size2 image;
  Activation activation = Activation::kNone;
  uint32_t flags = 0;
};

class Model final : public Contender {
 public:
  explicit Model(const Graph& graph) : graph_(graph), buffers_(graph) {}

  Status build() {
    allocate(graph_.input);
    for (const Node& node : graph_.nodes) {
      allocate(node.output);
      COPPICE_TRY_STATUS(std::visit([&](const auto& op) { return add(node, op); }, node.op));
      buffers_.release_inputs(node);
    }
    return {};
  }

  void set_input(const Values& input) override {
    if (integer_) {
      std::copy(input.integer.begin(), input.integer.end(), data<int8_t>(graph_.input));
    } else {
      std::copy(input.real.begin(), input.real.end(), data<float>(graph_.input));
    }
  }

  void run() override {
    for (const Operator& op : operators_) xnn_run_operator(op.get(), nullptr);
  }

  Values output() override {
    const auto count = static_cast<size_t>(graph_.output_shape().elements());
    Values values;
    if (integer_) {
      values.integer.assign(data<int8_t>(graph_.output), data<int8_t>(graph_.output) + count);
    } else {
      values.real.assign(data<float>(graph_.output), data<float>(graph_.output) + count);
    }
    return values;
  }

 private:
  const TensorInfo& tensor(int index) const { return graph_.tensors[static_cast<size_t>(index)]; }
  const ActivationQuantization& scale_of(int index) const { return *tensor(index).quantization; }
  int8_t zero_of(int index) const { return static_cast<int8_t>(scale_of(index).zero_point); }

  void allocate(int index) {
    const size_t size = integer_ ? sizeof(int8_t) : sizeof(float);
    buffers_.allocate(index, static_cast<size_t>(tensor(index).shape.elements()) * size);
  }
  template <class T>
  T* data(int index) const {
    return reinterpret_cast<T*>(buffers_.at(index));
  }

  // The limits of a fused activation, in the output's integers.
  exec::IntegerClamp clamp(const Node& node, Activation activation) const {
    return exec::integer_clamp(activation, scale_of(node.output));
  }
  static kernels::ClampFloat float_clamp(Activation activation) {
    kernels::ClampFloat limits = exec::float_clamp(activation);
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    if (activation == Activation::kNone) limits = {-kInfinity, kInfinity};
    if (activation == Activation::kRelu) limits.max = kInfinity;
    return limits;
  }

  void keep(xnn_operator_t op) { operators_.emplace_back(op); }

  template <class Op>
  Status add(const Node& node, const Op&) {
    return unsupported(node, "no operator for " + std::string(op_name(node.op)));
  }

  Status add(const Node& node, const Conv2D& op) {
    const Shape& in = tensor(node.inputs[0]).shape;
    return convolution(node, {op.padding,
                              op.kernel,
                              op.stride,
                              op.dilation,
                              static_cast<uint32_t>(op.groups),
                              static_cast<size_t>(in[2] / op.groups),
                              static_cast<size_t>(op.out_channels / op.groups),
                              {in[0], in[1]},
                              op.activation,
                              0});
  }

  Status add(const Node& node, const DepthwiseConv2D& op) {
    const Shape& in = tensor(node.inputs[0]).shape;
    return convolution(node, {op.padding,
                              op.kernel,
                              op.stride,
                              op.dilation,
                              static_cast<uint32_t>(in[2]),
                              1,
                              static_cast<size_t>(op.multiplier),
                              {in[0], in[1]},
                              op.activation,
                              XNN_FLAG_DEPTHWISE_CONVOLUTION});
  }

  // An integer layer with a scale for each channel exists as a convolution only; a 1x1 one over one
  // pixel is the same matrix product.
  Status add(const Node& node, const FullyConnected& op) {
    const auto inputs = static_cast<size_t>(tensor(node.inputs[0]).shape.elements());
    const auto outputs = static_cast<size_t>(op.out_features);
    if (integer_) {
      return convolution(node, {{}, {}, {}, {}, 1, inputs, outputs, {1, 1}, op.activation, 0});
    }
    const Parameter* bias = node.parameter("bias");
    const auto limits = float_clamp(op.activation);
    xnn_operator_t made = nullptr;
    COPPICE_TRY_STATUS(
        check(xnn_create_fully_connected_nc_f32(
                  inputs, outputs, inputs, outputs, node.parameter("weight")->value.data(),
                  bias != nullptr ? bias->value.data() : nullptr, limits.min, limits.max, 0, &made),
              node, "xnn_create_fully_connected_nc_f32"));
    keep(made);
    return check(xnn_setup_fully_connected_nc_f32(made, 1, data<float>(node.inputs[0]),
                                                  data<float>(node.output), nullptr),
                 node, "xnn_setup_fully_connected_nc_f32");
  }

  Status convolution(const Node& node, const Convolution& c) {
    return integer_ ? integer_convolution(node, c) : float_convolution(node, c);
  }

  Status float_convolution(const Node& node, const Convolution& c) {
    const Parameter* bias = node.parameter("bias");
    const auto limits = float_clamp(c.activation);
    xnn_operator_t made = nullptr;
    COPPICE_TRY_STATUS(check(
        xnn_create_convolution2d_nhwc_f32(
            u(c.padding.top), u(c.padding.right), u(c.padding.bottom), u(c.padding.left),
            u(c.kernel.h), u(c.kernel.w), u(c.stride.h), u(c.stride.w), u(c.dilation.h),
            u(c.dilation.w), c.groups, c.group_inputs, c.group_outputs, c.groups * c.group_inputs,
            c.groups * c.group_outputs, node.parameter("weight")->value.data(),
            bias != nullptr ? bias->value.data() : nullptr, limits.min, limits.max, c.flags, &made),
        node, "xnn_create_convolution2d_nhwc_f32"));
    keep(made);
    return check(xnn_setup_convolution2d_nhwc_f32(
                     made, 1, static_cast<size_t>(c.image.h), static_cast<size_t>(c.image.w),
                     data<float>(node.inputs[0]), data<float>(node.output), nullptr),
                 node, "xnn_setup_convolution2d_nhwc_f32");
  }

  Status integer_convolution(const Node& node, const Convolution& c) {
    const QuantizedValues& weight = *node.parameter("weight")->quantized;
    if (weight.bits != 8) return unsupported(node, "weights of 8 bits only");
    const std::vector<int8_t> values(weight.values.begin(), weight.values.end());
    std::vector<float> scales = weight.scales;
    scales.resize(c.groups * c.group_outputs, scales.front());
    const Parameter* bias = node.parameter("bias");
    const auto limits = clamp(node, c.activation);
    xnn_operator_t made = nullptr;
    COPPICE_TRY_STATUS(
        check(xnn_create_convolution2d_nhwc_qc8(
                  u(c.padding.top), u(c.padding.right), u(c.padding.bottom), u(c.padding.left),
                  u(c.kernel.h), u(c.kernel.w), u(c.stride.h), u(c.stride.w), u(c.dilation.h),
                  u(c.dilation.w), c.groups, c.group_inputs, c.group_outputs,
                  c.groups * c.group_inputs, c.groups * c.group_outputs, zero_of(node.inputs[0]),
                  scale_of(node.inputs[0]).scale, scales.data(), values.data(),
                  bias != nullptr ? bias->quantized->values.data() : nullptr, zero_of(node.output),
                  scale_of(node.output).scale, static_cast<int8_t>(limits.min),
                  static_cast<int8_t>(limits.max), c.flags, &made),
              node, "xnn_create_convolution2d_nhwc_qc8"));
    keep(made);
    return check(xnn_setup_convolution2d_nhwc_qc8(
                     made, 1, static_cast<size_t>(c.image.h), static_cast<size_t>(c.image.w),
                     data<int8_t>(node.inputs[0]), data<int8_t>(node.output), nullptr),
                 node, "xnn_setup_convolution2d_nhwc_qc8");
  }

  Status add(const Node& node, const Add& op) {
    const Shape& shape = tensor(node.output).shape;
    const std::vector<size_t> sizes(shape.begin(), shape.end());
    const int a = node.inputs[0], b = node.inputs[1];
    xnn_operator_t made = nullptr;
    if (!integer_) {
      const auto limits = float_clamp(op.activation);
      COPPICE_TRY_STATUS(check(xnn_create_add_nd_f32(limits.min, limits.max, 0, &made), node,
                               "xnn_create_add_nd_f32"));
      keep(made);
      return check(
          xnn_setup_add_nd_f32(made, sizes.size(), sizes.data(), sizes.size(), sizes.data(),
                               data<float>(a), data<float>(b), data<float>(node.output), nullptr),
          node, "xnn_setup_add_nd_f32");
    }
    const auto limits = clamp(node, op.activation);
    COPPICE_TRY_STATUS(
        check(xnn_create_add_nd_qs8(zero_of(a), scale_of(a).scale, zero_of(b), scale_of(b).scale,
                                    zero_of(node.output), scale_of(node.output).scale,
                                    static_cast<int8_t>(limits.min),
                                    static_cast<int8_t>(limits.max), 0, &made),
              node, "xnn_create_add_nd_qs8"));
    keep(made);
    return check(
        xnn_setup_add_nd_qs8(made, sizes.size(), sizes.data(), sizes.size(), sizes.data(),
                             data<int8_t>(a), data<int8_t>(b), data<int8_t>(node.output), nullptr),
        node, "xnn_setup_add_nd_qs8");
  }

  Status add(const Node& node, const MaxPool2D& op) {
    const Shape& in = tensor(node.inputs[0]).shape;
    const auto channels = static_cast<size_t>(in[2]);
    const auto h = static_cast<size_t>(in[0]), w = static_cast<size_t>(in[1]);
    xnn_operator_t made = nullptr;
    if (integer_) {
      COPPICE_TRY_STATUS(check(
          xnn_create_max_pooling2d_nhwc_s8(u(op.padding.top), u(op.padding.right),
                                           u(op.padding.bottom), u(op.padding.left), u(op.kernel.h),
                                           u(op.kernel.w), u(op.stride.h), u(op.stride.w), 1, 1,
                                           channels, channels, channels, -128, 127, 0, &made),
          node, "xnn_create_max_pooling2d_nhwc_s8"));
      keep(made);
      return check(xnn_setup_max_pooling2d_nhwc_s8(made, 1, h, w, data<int8_t>(node.inputs[0]),
                                                   data<int8_t>(node.output), nullptr),
                   node, "xnn_setup_max_pooling2d_nhwc_s8");
    }
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    COPPICE_TRY_STATUS(
        check(xnn_create_max_pooling2d_nhwc_f32(
                  u(op.padding.top), u(op.padding.right), u(op.padding.bottom), u(op.padding.left),
                  u(op.kernel.h), u(op.kernel.w), u(op.stride.h), u(op.stride.w), 1, 1, channels,
                  channels, channels, -kInfinity, kInfinity, 0, &made),
              node, "xnn_create_max_pooling2d_nhwc_f32"));
    keep(made);
    return check(xnn_setup_max_pooling2d_nhwc_f32(made, 1, h, w, data<float>(node.inputs[0]),
                                                  data<float>(node.output), nullptr),
                 node, "xnn_setup_max_pooling2d_nhwc_f32");
  }

  Status add(const Node& node, const GlobalAvgPool&) {
    const Shape& in = tensor(node.inputs[0]).shape;
    return average(node, in[0] * in[1]);
  }

  // One window over whole rows is an average over the first pixels.
  Status add(const Node& node, const AvgPool2D& op) {
    const Shape& in = tensor(node.inputs[0]).shape;
    const Shape& out = tensor(node.output).shape;
    if (out[0] != 1 || out[1] != 1 || op.kernel.w != in[1] || op.padding != Padding{}) {
      return unsupported(node, "average pooling over one window of whole rows only");
    }
    return average(node, op.kernel.h * op.kernel.w);
  }

  Status average(const Node& node, int pixels) {
    const auto channels = static_cast<size_t>(tensor(node.inputs[0]).shape[2]);
    xnn_operator_t made = nullptr;
    if (integer_) {
      const int in = node.inputs[0], out = node.output;
      COPPICE_TRY_STATUS(check(xnn_create_global_average_pooling_nwc_qs8(
                                   channels, channels, channels, zero_of(in), scale_of(in).scale,
                                   zero_of(out), scale_of(out).scale, -128, 127, 0, &made),
                               node, "xnn_create_global_average_pooling_nwc_qs8"));
      keep(made);
      return check(
          xnn_setup_global_average_pooling_nwc_qs8(made, 1, static_cast<size_t>(pixels),
                                                   data<int8_t>(in), data<int8_t>(out), nullptr),
          node, "xnn_setup_global_average_pooling_nwc_qs8");
    }
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    COPPICE_TRY_STATUS(check(xnn_create_global_average_pooling_nwc_f32(
                                 channels, channels, channels, -kInfinity, kInfinity, 0, &made),
                             node, "xnn_create_global_average_pooling_nwc_f32"));
    keep(made);
    return check(xnn_setup_global_average_pooling_nwc_f32(made, 1, static_cast<size_t>(pixels),
                                                          data<float>(node.inputs[0]),
                                                          data<float>(node.output), nullptr),
                 node, "xnn_setup_global_average_pooling_nwc_f32");
  }

  static uint32_t u(int value) { return static_cast<uint32_t>(value); }

  const Graph graph_;
  const bool integer_ = graph_.quantized();
  TensorBuffers buffers_;
  std::vector<Operator> operators_;
};

}  // namespace

ContenderResult compile_xnnpack(const Graph& graph) {
  static const xnn_status ready = xnn_initialize(nullptr);
  if (ready != xnn_status_success) {
    return Error{ErrorCode::kUnsupported, "xnnpack: this processor is not supported"};
  }
  auto model = std::make_unique<Model>(graph);
  COPPICE_TRY_STATUS(model->build());
  return ContenderResult(std::move(model));
}

}  // namespace coppice::bench
