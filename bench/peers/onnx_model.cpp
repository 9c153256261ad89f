#include "peers/onnx_model.h"

#define ONNX_ML 1
#define ONNX_NAMESPACE onnx
#include <onnx/onnx_pb.h>

#include <numeric>

namespace coppice::bench {
namespace {

using onnx::TensorProto;
using Sizes = std::vector<int64_t>;

// Reads OHWI values as OIHW, or HWC ones as C1HW: `from[i]` is the stored axis of axis i.
template <class T>
std::vector<T> transpose(const std::vector<T>& values, const Sizes& sizes, const Sizes& strides) {
  std::vector<T> out;
  out.reserve(values.size());
  for (int64_t a = 0; a < sizes[0]; ++a) {
    for (int64_t b = 0; b < sizes[1]; ++b) {
      for (int64_t c = 0; c < sizes[2]; ++c) {
        for (int64_t d = 0; d < sizes[3]; ++d) {
          const int64_t at = a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3];
          out.push_back(values[static_cast<size_t>(at)]);
        }
      }
    }
  }
  return out;
}

class Writer {
 public:
  explicit Writer(const Graph& graph) : graph_(graph), integer_(graph.quantized()) {}

  Result<std::string> write() {
    model_.set_ir_version(7);
    model_.add_opset_import()->set_version(13);
    model_.mutable_graph()->set_name(graph_.name);
    declare(*model_.mutable_graph()->add_input(), "input", graph_.input);
    declare(*model_.mutable_graph()->add_output(), "output", graph_.output);
    names_.assign(graph_.tensors.size(), "");
    set_output(graph_.input, "input", true);
    for (const Node& node : graph_.nodes) {
      if (const auto status = std::visit([&](const auto& op) { return add(node, op); }, node.op);
          !status.ok()) {
        return status.error();
      }
    }
    return model_.SerializeAsString();
  }

 private:
  const TensorInfo& tensor(int index) const { return graph_.tensors[static_cast<size_t>(index)]; }
  std::string& name(int index) { return names_[static_cast<size_t>(index)]; }

  static Sizes onnx_sizes(const Shape& shape) {
    if (shape.rank() == 3) return {1, shape[2], shape[0], shape[1]};
    return {1, shape.elements()};
  }

  void declare(onnx::ValueInfoProto& value, const std::string& value_name, int index) const {
    value.set_name(value_name);
    auto* type = value.mutable_type()->mutable_tensor_type();
    type->set_elem_type(integer_ ? TensorProto::UINT8 : TensorProto::FLOAT);
    for (const int64_t size : onnx_sizes(tensor(index).shape)) {
      type->mutable_shape()->add_dim()->set_dim_value(size);
    }
  }

  onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs,
                        const std::string& output) {
    auto& added = *model_.mutable_graph()->add_node();
    added.set_op_type(op);
    added.set_name(output);
    for (const auto& input : inputs) added.add_input(input);
    added.add_output(output);
    return added;
  }

  static void attribute(onnx::NodeProto& to, const std::string& key, const Sizes& values) {
    auto& added = *to.add_attribute();
    added.set_name(key);
    added.set_type(onnx::AttributeProto::INTS);
    for (const int64_t value : values) added.add_ints(value);
  }
  static void attribute(onnx::NodeProto& to, const std::string& key, int64_t value) {
    auto& added = *to.add_attribute();
    added.set_name(key);
    added.set_type(onnx::AttributeProto::INT);
    added.set_i(value);
  }

  // No sizes: a scalar.
  template <class T>
  std::string constant(const std::string& constant_name, TensorProto::DataType type,
                       const Sizes& sizes, const std::vector<T>& values) {
    auto& added = *model_.mutable_graph()->add_initializer();
    added.set_name(constant_name);
    added.set_data_type(type);
    for (const int64_t size : sizes) added.add_dims(size);
    added.set_raw_data(values.data(), values.size() * sizeof(T));
    return constant_name;
  }

  // Nodes after the computation that leave a tensor under its name: a clamp if the layer has an
  // activation, then (quantized) QuantizeLinear and the DequantizeLinear that its readers fuse.
  // `given` says that `from` is integers already.
  void set_output(int index, const std::string& from, bool given = false) {
    name(index) = from;
    if (!integer_) return;
    const auto& q = *tensor(index).quantization;
    const std::string base = tensor(index).name;
    const auto scale = constant<float>(base + ".scale", TensorProto::FLOAT, {}, {q.scale});
    const auto zero = constant<uint8_t>(base + ".zero", TensorProto::UINT8, {},
                                        {static_cast<uint8_t>(q.zero_point + 128)});
    std::string integers = from;
    if (!given) {
      integers = index == graph_.output ? "output" : base + ".integers";
      node("QuantizeLinear", {from, scale, zero}, integers);
    }
    if (index == graph_.output) return;
    name(index) = base + ".dequantized";
    node("DequantizeLinear", {integers, scale, zero}, name(index));
  }

  // The name that the value of a layer has before its activation and quantization.
  std::string value_name(const Node& of, Activation activation) const {
    if (activation != Activation::kNone) return of.name + ".linear";
    return output_name(of);
  }
  std::string output_name(const Node& of) const {
    if (!integer_ && of.output == graph_.output) return "output";
    return of.name + ".value";
  }

  void finish(const Node& of, Activation activation) {
    const auto value = output_name(of);
    if (activation == Activation::kRelu) node("Relu", {value_name(of, activation)}, value);
    if (activation == Activation::kRelu6) {
      const auto low = constant<float>(of.name + ".low", TensorProto::FLOAT, {}, {0.0f});
      const auto high = constant<float>(of.name + ".high", TensorProto::FLOAT, {}, {6.0f});
      node("Clip", {value_name(of, activation), low, high}, value);
    }
    set_output(of.output, value);
  }

  // Weight and bias as the inputs of a layer; `strides` are those of OIHW axes in the stored
  // values.
  std::vector<std::string> weights(const Node& of, const Sizes& sizes, const Sizes& strides,
                                   const Sizes& shape) {
    const Parameter& weight = *of.parameter("weight");
    const Parameter* bias = of.parameter("bias");
    const std::string w = of.name + ".weight", b = of.name + ".bias";
    std::vector<std::string> inputs{name(of.inputs[0])};
    if (!integer_) {
      inputs.push_back(
          constant<float>(w, TensorProto::FLOAT, shape, transpose(weight.value, sizes, strides)));
      if (bias) inputs.push_back(constant<float>(b, TensorProto::FLOAT, {sizes[0]}, bias->value));
      return inputs;
    }
    const auto transposed = transpose(weight.quantized->values, sizes, strides);
    const auto channels = static_cast<size_t>(sizes[0]);
    std::vector<float> scales = weight.quantized->scales;
    scales.resize(channels, scales.front());
    inputs.push_back(dequantized<int8_t>(w, TensorProto::INT8, shape,
                                         {transposed.begin(), transposed.end()}, scales));
    if (bias) {
      for (float& scale : scales) scale *= tensor(of.inputs[0]).quantization->scale;
      inputs.push_back(
          dequantized<int32_t>(b, TensorProto::INT32, {sizes[0]}, bias->quantized->values, scales));
    }
    return inputs;
  }

  template <class T>
  std::string dequantized(const std::string& base, TensorProto::DataType type, const Sizes& shape,
                          const std::vector<T>& values, const std::vector<float>& scales) {
    const auto channels = static_cast<int64_t>(scales.size());
    const std::vector<T> zeros(scales.size());
    const auto integers = constant<T>(base + ".integers", type, shape, values);
    const auto scale = constant<float>(base + ".scale", TensorProto::FLOAT, {channels}, scales);
    const auto zero = constant<T>(base + ".zero", type, {channels}, zeros);
    attribute(node("DequantizeLinear", {integers, scale, zero}, base), "axis", 0);
    return base;
  }

  template <class Op>
  Status add(const Node& of, const Op&) {
    return Error{ErrorCode::kUnsupported, "onnxruntime: layer " + of.name + ": no operator for " +
                                              std::string(op_name(of.op))};
  }

  template <class Op>
  static void window(onnx::NodeProto& to, const Op& op) {
    attribute(to, "kernel_shape", {op.kernel.h, op.kernel.w});
    attribute(to, "strides", {op.stride.h, op.stride.w});
    attribute(to, "pads", {op.padding.top, op.padding.left, op.padding.bottom, op.padding.right});
  }

  Status add(const Node& of, const Conv2D& op) {
    const int64_t o = op.out_channels, h = op.kernel.h, w = op.kernel.w;
    const int64_t i = tensor(of.inputs[0]).shape[2] / op.groups;
    return convolution(of, op, op.groups, {o, i, h, w}, {h * w * i, 1, w * i, i});
  }

  Status add(const Node& of, const DepthwiseConv2D& op) {
    const int64_t groups = tensor(of.inputs[0]).shape[2], c = groups * op.multiplier;
    return convolution(of, op, groups, {c, 1, op.kernel.h, op.kernel.w},
                       {1, 0, op.kernel.w * c, c});
  }

  template <class Op>
  Status convolution(const Node& of, const Op& op, int64_t groups, const Sizes& sizes,
                     const Sizes& strides) {
    const auto inputs = weights(of, sizes, strides, sizes);
    auto& added = node("Conv", inputs, value_name(of, op.activation));
    window(added, op);
    attribute(added, "dilations", {op.dilation.h, op.dilation.w});
    attribute(added, "group", groups);
    finish(of, op.activation);
    return {};
  }

  Status add(const Node& of, const FullyConnected& op) {
    const Shape& in = tensor(of.inputs[0]).shape;
    const int64_t o = op.out_features, n = in.elements();
    const bool image = in.rank() == 3;
    const int64_t h = image ? in[0] : 1, w = image ? in[1] : 1, c = image ? in[2] : n;
    auto inputs = weights(of, {o, c, h, w}, {n, 1, w * c, c}, {o, n});
    const auto flat = of.name + ".flat";
    attribute(node("Flatten", {inputs[0]}, flat), "axis", 1);
    inputs[0] = flat;
    if (integer_) {  // The fusion wants a quantized input next to the product.
      const auto& q = *tensor(of.inputs[0]).quantization;
      const auto scale = constant<float>(flat + ".scale", TensorProto::FLOAT, {}, {q.scale});
      const auto zero = constant<uint8_t>(flat + ".zero", TensorProto::UINT8, {},
                                          {static_cast<uint8_t>(q.zero_point + 128)});
      node("QuantizeLinear", {flat, scale, zero}, flat + ".integers");
      node("DequantizeLinear", {flat + ".integers", scale, zero}, flat + ".dequantized");
      inputs[0] = flat + ".dequantized";
    }
    attribute(node("Gemm", inputs, value_name(of, op.activation)), "transB", 1);
    finish(of, op.activation);
    return {};
  }

  Status add(const Node& of, const Add& op) {
    node("Add", {name(of.inputs[0]), name(of.inputs[1])}, value_name(of, op.activation));
    finish(of, op.activation);
    return {};
  }

  Status add(const Node& of, const MaxPool2D& op) {
    window(node("MaxPool", {name(of.inputs[0])}, output_name(of)), op);
    finish(of, Activation::kNone);
    return {};
  }
  Status add(const Node& of, const AvgPool2D& op) {
    window(node("AveragePool", {name(of.inputs[0])}, output_name(of)), op);
    finish(of, Activation::kNone);
    return {};
  }
  Status add(const Node& of, const GlobalAvgPool&) {
    node("GlobalAveragePool", {name(of.inputs[0])}, output_name(of));
    finish(of, Activation::kNone);
    return {};
  }

  const Graph& graph_;
  const bool integer_;
  onnx::ModelProto model_;
  std::vector<std::string> names_;  // Of each tensor's value, as its readers take it.
};

}  // namespace

Result<std::string> write_onnx_model(const Graph& graph) { return Writer(graph).write(); }

}  // namespace coppice::bench
