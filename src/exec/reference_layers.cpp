#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "coppice/exec/lower.h"
#include "coppice/kernels/add/reference.h"
#include "coppice/kernels/clamp/reference.h"
#include "coppice/kernels/concat/reference.h"
#include "coppice/kernels/conv2d/scalar.h"
#include "coppice/kernels/depthwise_conv2d/reference.h"
#include "coppice/kernels/fully_connected/reference.h"
#include "coppice/kernels/pool/reference.h"
#include "coppice/kernels/softmax/reference.h"
#include "exec/layer.h"
#include "exec/parameter_values.h"

namespace coppice::exec {
namespace {

constexpr const char* kReference = "the specification itself";
constexpr const char* kPacked = "equal to conv2d_ref, output channels innermost";

// Makes the layers of one data type: float, int8 with int32 sums, or int16 with int64 sums.
template <class T>
struct Maker {
  static constexpr bool kIsFloat = std::is_same_v<T, float>;
  static constexpr bool kIsWide = std::is_same_v<T, int16_t>;
  using Accumulator =
      std::conditional_t<kIsFloat, float, std::conditional_t<kIsWide, int64_t, int32_t>>;
  using Weight = std::conditional_t<kIsFloat, float, int8_t>;
  using Stage = std::conditional_t<kIsFloat, kernels::ClampFloat, RequantizeTable>;

  const LayerContext& context;

  static const T* read(const std::byte* arena, int64_t offset) {
    return reinterpret_cast<const T*>(arena + offset);
  }
  static T* write(std::byte* arena, int64_t offset) { return reinterpret_cast<T*>(arena + offset); }

  const TensorInfo& tensor(int index) const {
    return context.graph.tensors[static_cast<size_t>(index)];
  }
  const Shape& input_shape() const { return tensor(context.node.inputs[0]).shape; }
  int output_elements() const {
    return static_cast<int>(tensor(context.node.output).shape.elements());
  }

  Stage stage([[maybe_unused]] Activation activation) const {
    if constexpr (kIsFloat) {
      return float_clamp(activation);
    } else {
      return requantize_table(context.graph, context.node);
    }
  }

  // The last stage as kernels take it.
  static auto view(const Stage& stage) {
    if constexpr (kIsFloat) {
      return stage;
    } else if constexpr (kIsWide) {
      return stage.wide_view();
    } else {
      return stage.view();
    }
  }

  std::vector<Weight> weights() const { return parameter_values<Weight>(context.node, "weight"); }
  std::vector<Accumulator> bias() const {
    return parameter_values<Accumulator>(context.node, "bias");
  }
  static const Accumulator* or_null(const std::vector<Accumulator>& bias) {
    return bias.empty() ? nullptr : bias.data();
  }

  Result<CompiledLayer> operator()(const Conv2D& op) const {
    const auto p = conv2d_params(context.graph, context.node);
    std::vector<Weight> packed(static_cast<size_t>(p.weights()));
    kernels::pack_conv2d_scalar(p, weights().data(), packed.data());
    return CompiledLayer{[p, w = std::move(packed), b = bias(), to = stage(op.activation),
                          in = context.inputs[0], out = context.output](std::byte* arena) {
                           kernels::conv2d_scalar(p, view(to), read(arena, in), w.data(),
                                                  or_null(b), write(arena, out));
                         },
                         "conv2d_scalar", kPacked};
  }

  Result<CompiledLayer> operator()(const DepthwiseConv2D& op) const {
    return CompiledLayer{[p = depthwise_conv2d_params(context.graph, context.node), w = weights(),
                          b = bias(), to = stage(op.activation), in = context.inputs[0],
                          out = context.output](std::byte* arena) {
                           kernels::depthwise_conv2d_ref(p, view(to), read(arena, in), w.data(),
                                                         or_null(b), write(arena, out));
                         },
                         "depthwise_conv2d_ref", kReference};
  }

  Result<CompiledLayer> operator()(const FullyConnected& op) const {
    return CompiledLayer{[p = fully_connected_params(context.graph, context.node), w = weights(),
                          b = bias(), to = stage(op.activation), in = context.inputs[0],
                          out = context.output](std::byte* arena) {
                           kernels::fully_connected_ref(p, view(to), read(arena, in), w.data(),
                                                        or_null(b), write(arena, out));
                         },
                         "fully_connected_ref", kReference};
  }

  Result<CompiledLayer> operator()(const Add& op) const {
    const auto a = context.inputs[0], b = context.inputs[1], out = context.output;
    if constexpr (kIsFloat) {
      return CompiledLayer{
          [=, count = output_elements(), to = stage(op.activation)](std::byte* arena) {
            kernels::add_ref(count, to, read(arena, a), read(arena, b), write(arena, out));
          },
          "add_ref", kReference};
    } else {
      return CompiledLayer{[=, p = add_params(context.graph, context.node)](std::byte* arena) {
                             kernels::add_ref(p, read(arena, a), read(arena, b), write(arena, out));
                           },
                           "add_ref", kReference};
    }
  }

  Result<CompiledLayer> operator()(const Concat&) const {
    std::vector<int> channels;
    for (const int input : context.node.inputs) channels.push_back(tensor(input).shape.back());
    const int total = tensor(context.node.output).shape.back();
    return CompiledLayer{[channels, total, pixels = output_elements() / total, in = context.inputs,
                          out = context.output](std::byte* arena) {
                           int first = 0;
                           for (size_t i = 0; i < in.size(); ++i) {
                             kernels::concat_ref(pixels, channels[i], read(arena, in[i]), first,
                                                 total, write(arena, out));
                             first += channels[i];
                           }
                         },
                         "concat_ref", kReference};
  }

  kernels::PoolParams<T> pool_params() const {
    kernels::PoolParams<T> p;
    p.window = window_of(context.graph, context.node);
    p.channels = input_shape()[2];
    p.min = kIsFloat ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::min();
    p.max = kIsFloat ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
    return p;
  }
  Result<CompiledLayer> average() const {
    return CompiledLayer{
        [p = pool_params(), in = context.inputs[0], out = context.output](std::byte* arena) {
          kernels::avg_pool2d_ref(p, read(arena, in), write(arena, out));
        },
        "avg_pool2d_ref", kReference};
  }
  Result<CompiledLayer> operator()(const AvgPool2D&) const { return average(); }
  Result<CompiledLayer> operator()(const GlobalAvgPool&) const { return average(); }
  Result<CompiledLayer> operator()(const MaxPool2D&) const {
    return CompiledLayer{
        [p = pool_params(), in = context.inputs[0], out = context.output](std::byte* arena) {
          kernels::max_pool2d_ref(p, read(arena, in), write(arena, out));
        },
        "max_pool2d_ref", kReference};
  }

  Result<CompiledLayer> clamp(Activation activation) const {
    T low{}, high{};
    if constexpr (kIsFloat) {
      const auto limits = float_clamp(activation);
      low = limits.min, high = limits.max;
    } else {
      const auto limits = integer_clamp(activation, *tensor(context.node.output).quantization);
      low = static_cast<T>(limits.min), high = static_cast<T>(limits.max);
    }
    return CompiledLayer{[low, high, count = output_elements(), in = context.inputs[0],
                          out = context.output](std::byte* arena) {
                           kernels::clamp_ref(count, low, high, read(arena, in), write(arena, out));
                         },
                         "clamp_ref", kReference};
  }
  Result<CompiledLayer> operator()(const Relu&) const { return clamp(Activation::kRelu); }
  Result<CompiledLayer> operator()(const Relu6&) const { return clamp(Activation::kRelu6); }

  Result<CompiledLayer> operator()(const Softmax&) const {
    if constexpr (kIsWide) {
      return CompiledLayer{
          [p = softmax_wide_params(context.graph, context.node), tables = kernels::SoftmaxTables{},
           in = context.inputs[0], out = context.output](std::byte* arena) {
            kernels::softmax_ref(p, tables, read(arena, in), write(arena, out));
          },
          "softmax_ref", kReference};
    } else {
      return plain_softmax();
    }
  }
  Result<CompiledLayer> plain_softmax() const {
    return CompiledLayer{[p = softmax_params(context.graph, context.node), in = context.inputs[0],
                          out = context.output](std::byte* arena) {
                           kernels::softmax_ref(p, read(arena, in), write(arena, out));
                         },
                         "softmax_ref", kReference};
  }

  // The memory plan gives these the bytes of their input.
  Result<CompiledLayer> alias() const {
    if (context.inputs[0] == context.output) {
      return CompiledLayer{[](std::byte*) {}, "none", "output aliases input"};
    }
    return CompiledLayer{
        [count = output_elements(), in = context.inputs[0], out = context.output](
            std::byte* arena) { std::copy_n(read(arena, in), count, write(arena, out)); },
        "copy", "the memory plan does not alias this output"};
  }
  Result<CompiledLayer> operator()(const Flatten&) const { return alias(); }
  Result<CompiledLayer> operator()(const Reshape&) const { return alias(); }
  Result<CompiledLayer> operator()(const Dropout&) const { return alias(); }

  Result<CompiledLayer> operator()(const BatchNorm&) const {
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("{}: layer \"{}\" (batch_norm) was not folded into the layer before it",
                    context.graph.name, context.node.name)};
  }
};

}  // namespace

Result<CompiledLayer> make_reference_layer(const LayerContext& context) {
  const bool integer = context.graph.quantized();
  if (integer) COPPICE_TRY_STATUS(check_integer_node(context.graph, context.node));
  const auto made_as = [&]<class T>(T) { return std::visit(Maker<T>{context}, context.node.op); };
  COPPICE_TRY(CompiledLayer layer, context.graph.wide() ? made_as(int16_t{})
                                   : integer            ? made_as(int8_t{})
                                                        : made_as(float{}));
  if (const Parameter* weight = context.node.parameter("weight")) {
    layer.packed_bytes = weight->shape.elements() * (integer ? 1 : 4) +
                         bytes_beside_weights(context.graph, context.node);
  }
  return layer;
}

}  // namespace coppice::exec
