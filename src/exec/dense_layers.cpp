#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "coppice/exec/lower.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "coppice/kernels/lut/lut.h"
#include "coppice/kernels/softmax/reference.h"
#include "exec/auto_layer.h"
#include "exec/dense_layer.h"
#include "exec/dense_weighted.h"
#include "exec/image_copy.h"
#include "exec/sparse_weighted.h"
#include "kernels/softmax/u8_table.h"

namespace coppice::exec {
namespace {

using kernels::RowRange;

// What differs between images of uint8, of int16 and of float.
template <class T>
struct Arithmetic;

template <>
struct Arithmetic<uint8_t> {
  static constexpr const char* kSuffix = "_u8";
  static constexpr int kMostPooledPixels = 65535;
  using Pool = kernels::PoolParams<int8_t>;

  static auto conv2d_kernels() { return kernels::conv2d_kernels_u8(); }
  static auto depthwise_kernels() { return kernels::depthwise_conv2d_kernels_u8(); }
  static auto sparse_kernels() { return sparse::sparse_conv2d_u8(); }
  static auto sparse_depthwise_kernels() { return sparse::sparse_depthwise_conv2d_u8(); }
  static int weight_bits(const Node& node) { return node.parameter("weight")->quantized->bits; }
  static RequantizeTable stage(const DenseContext& context, Activation) {
    return requantize_table(context.graph, context.node);
  }
  static auto clamp(const DenseContext& context, Activation activation) {
    const auto& y = context.graph.tensors[static_cast<size_t>(context.node.output)];
    const IntegerClamp limits = integer_clamp(activation, *y.quantization);
    return [low = static_cast<int8_t>(limits.min), high = static_cast<int8_t>(limits.max)](
               const kernels::ImageOpsU8& ops, const kernels::ImageSize& size,
               const kernels::Image<const uint8_t>& x,
               const kernels::Image<uint8_t>& y_image) { ops.clamp(size, low, high, x, y_image); };
  }
  static void copy(const kernels::ImageOpsU8& ops, const kernels::ImageSize& size,
                   const kernels::Image<const uint8_t>& x, const kernels::Image<uint8_t>& y) {
    ops.copy(size, 0, x, y);
  }
  static auto sum(const DenseContext& context, Activation) {
    return add_params(context.graph, context.node);
  }
  static constexpr const char* kSoftmax = "256 exponentials made in advance";
  static auto softmax(const DenseContext& context) {
    return [table = kernels::SoftmaxTable(softmax_params(context.graph, context.node))](
               const uint8_t* x, uint8_t* y) { table.run(x, y); };
  }
};

template <>
struct Arithmetic<int16_t> {
  static constexpr const char* kSuffix = "_i16";
  // What the vectors divide exactly (image_ops.h).
  static constexpr int kMostPooledPixels = 511;
  using Pool = kernels::PoolParams<int16_t>;

  static auto conv2d_kernels() { return kernels::conv2d_kernels_i16(); }
  static auto depthwise_kernels() { return kernels::depthwise_conv2d_kernels_i16(); }
  static kernels::KernelList<sparse::SparseConv2D<int16_t>> sparse_kernels() { return {}; }
  static kernels::KernelList<sparse::SparseDepthwise<int16_t>> sparse_depthwise_kernels() {
    return {};
  }
  static WideTable stage(const DenseContext& context, Activation) {
    return {requantize_table(context.graph, context.node)};
  }
  static auto clamp(const DenseContext& context, Activation activation) {
    const auto& y = context.graph.tensors[static_cast<size_t>(context.node.output)];
    const IntegerClamp limits = integer_clamp(activation, *y.quantization);
    return [low = static_cast<int16_t>(limits.min), high = static_cast<int16_t>(limits.max)](
               const kernels::ImageOpsI16& ops, const kernels::ImageSize& size,
               const kernels::Image<const int16_t>& x,
               const kernels::Image<int16_t>& y_image) { ops.clamp(size, low, high, x, y_image); };
  }
  static void copy(const kernels::ImageOpsI16& ops, const kernels::ImageSize& size,
                   const kernels::Image<const int16_t>& x, const kernels::Image<int16_t>& y) {
    ops.copy(size, x, y);
  }
  static auto sum(const DenseContext& context, Activation) {
    return add_params(context.graph, context.node);
  }
  static constexpr const char* kSoftmax = "plain, by tables";
  static auto softmax(const DenseContext& context) {
    auto p = softmax_wide_params(context.graph, context.node);
    p.rows = 1;
    return [p, tables = kernels::SoftmaxTables{}](const int16_t* x, int16_t* y) {
      kernels::softmax_ref(p, tables, x, y);
    };
  }
};

template <>
struct Arithmetic<float> {
  static constexpr const char* kSuffix = "_f32";
  static constexpr int kMostPooledPixels = std::numeric_limits<int>::max();
  using Pool = kernels::PoolParams<float>;

  static auto conv2d_kernels() { return kernels::conv2d_kernels_f32(); }
  static auto depthwise_kernels() { return kernels::depthwise_conv2d_kernels_f32(); }
  static auto sparse_kernels() { return sparse::sparse_conv2d_f32(); }
  static auto sparse_depthwise_kernels() { return sparse::sparse_depthwise_conv2d_f32(); }
  static kernels::ClampFloat stage(const DenseContext&, Activation activation) {
    return float_clamp(activation);
  }
  static auto clamp(const DenseContext&, Activation activation) {
    return [to = float_clamp(activation)](
               const kernels::ImageOpsF32& ops, const kernels::ImageSize& size,
               const kernels::Image<const float>& x,
               const kernels::Image<float>& y) { ops.clamp(size, to, x, y); };
  }
  static void copy(const kernels::ImageOpsF32& ops, const kernels::ImageSize& size,
                   const kernels::Image<const float>& x, const kernels::Image<float>& y) {
    ops.copy(size, x, y);
  }
  static auto sum(const DenseContext&, Activation activation) { return float_clamp(activation); }
  static constexpr const char* kSoftmax = "plain";
  static auto softmax(const DenseContext& context) {
    kernels::SoftmaxParams p = softmax_params(context.graph, context.node);
    p.rows = 1;
    return [p](const float* x, float* y) { kernels::softmax_ref(p, x, y); };
  }
};

template <class T>
struct Maker {
  using Kind = Arithmetic<T>;

  const DenseContext& context;
  const ImageOps<T>& ops = image_ops_for<T>(context.isa);

  const Place& input() const { return context.inputs[0]; }
  static kernels::Image<T> image(const Place& place, std::byte* memory) {
    return place.image<T>(memory);
  }

  template <class Run>
  DenseLayer layer(const char* kernel, const char* reason, Run run) const {
    DenseLayer result;
    result.run = std::move(run);
    result.kernel = std::string(kernel) + Kind::kSuffix;
    result.reason = reason;
    result.isa = ops.isa;
    return result;
  }

  static Result<DenseLayer> as_fallback(Result<DenseLayer> layer, const char* reason) {
    if (layer.ok()) layer->fallback = true, layer->reason = reason;
    return layer;
  }

  template <class List>
  bool has_kernel(const List& list, const kernels::Conv2DParams& p) const {
    return std::any_of(list.begin(), list.end(), [&](const auto& kernel) {
      return isa_allowed(kernel.isa, context.isa) && kernel.accepts(p);
    });
  }

  // Weights of few bits stay packed where each is used once: less memory is all that they are good
  // for.
  Result<DenseLayer> dense_convolution(const kernels::Conv2DParams& p, Activation activation,
                                       const char* reason) const {
    const auto stage = Kind::stage(context, activation);
    if constexpr (requires { Kind::weight_bits(context.node); }) {
      const auto packed = kernels::conv2d_kernels_u8_packed(Kind::weight_bits(context.node));
      if (p.window.out_h * p.window.out_w == 1 && has_kernel(packed, p))
        return make_weighted_layer(context, packed, p, stage, "weights unpacked in registers");
    }
    return make_weighted_layer(context, Kind::conv2d_kernels(), p, stage, reason);
  }

  Result<DenseLayer> table_convolution([[maybe_unused]] const kernels::Conv2DParams& p,
                                       Result<DenseLayer> dense) const {
    if constexpr (requires { Kind::weight_bits(context.node); }) {
      const auto list = kernels::conv2d_kernels_u8_lut(Kind::weight_bits(context.node));
      if (has_kernel(list, p)) {
        return make_weighted_layer(context, list, p, Kind::stage(context, {}),
                                   "tables of the activations");
      }
    }
    return as_fallback(std::move(dense), "no table for these weights; dense instead");
  }

  // A convolution as the executor wants it.
  Result<DenseLayer> convolution(const kernels::Conv2DParams& p, Activation activation,
                                 const char* reason) const {
    const auto dense = [&] { return dense_convolution(p, activation, reason); };
    if (context.executor == Executor::kLut) return table_convolution(p, dense());
    if (!leaves_zeros_out(context.executor)) return dense();
    return make_sparse_layer(context, Kind::sparse_kernels(), p, Kind::stage(context, activation),
                             dense);
  }

  Result<DenseLayer> operator()(const Conv2D& op) const {
    return convolution(conv2d_params(context.graph, context.node), op.activation,
                       "channels in lanes, tiles of pixels in registers");
  }
  Result<DenseLayer> operator()(const DepthwiseConv2D& op) const {
    const auto p = depthwise_conv2d_params(context.graph, context.node);
    const auto stage = Kind::stage(context, op.activation);
    const auto dense = [&] {
      return make_weighted_layer(context, Kind::depthwise_kernels(), p, stage,
                                 "channels of neighbouring pixels in lanes");
    };
    if (!leaves_zeros_out(context.executor)) return dense();
    return make_sparse_layer(context, Kind::sparse_depthwise_kernels(), p, stage, dense);
  }
  Result<DenseLayer> operator()(const FullyConnected& op) const {
    return convolution(as_convolution(fully_connected_params(context.graph, context.node), input()),
                       op.activation, "a convolution as large as its input");
  }

  // Factors above 1 leave the 32 bits of the vectors.
  static bool fits(const kernels::AddParams& p) {
    return p.rounding == Rounding::kFloat || p.y.shift <= 0;
  }
  static bool fits(const kernels::ClampFloat&) { return true; }
  Result<DenseLayer> operator()(const Add& op) const {
    auto p = Kind::sum(context, op.activation);
    if (!fits(p))
      return make_fallback_layer<T>(context, "its output's scale is far finer than its inputs'");
    const char* reason = "whole vectors";
    if constexpr (std::is_same_v<T, uint8_t>) {
      if (const auto factors = kernels::add_by_factors(ops, p)) {
        p = *factors;
        reason = "a product for each input and one shift, equal for all pairs";
      }
    }
    return layer("add", reason,
                 [p, add = ops.add, a = context.inputs[0], b = context.inputs[1],
                  y = context.output](std::byte* memory, RowRange) {
                   add(size_of(y), p, image(a, memory), image(b, memory), image(y, memory));
                 });
  }

  Result<DenseLayer> operator()(const Concat&) const {
    return layer(
        "concat", "copies its inputs",
        [&table = ops, in = context.inputs, y = context.output](std::byte* memory, RowRange) {
          auto part = image(y, memory);
          for (const Place& x : in) {
            Kind::copy(table, size_of(x), image(x, memory), part);
            part.data += x.channels;
          }
        });
  }

  template <class Function>
  Result<DenseLayer> pool(const char* name, Function function) const {
    using Limits = std::numeric_limits<DenseValue<T>>;
    typename Kind::Pool p;
    p.window = window_of(context.graph, context.node);
    p.channels = input().channels;
    p.min = Limits::has_infinity ? -Limits::infinity() : Limits::min();
    p.max = Limits::has_infinity ? Limits::infinity() : Limits::max();
    DenseLayer result =
        layer(name, "channels in lanes",
              [p, function, x = input(), y = context.output](std::byte* memory, OutputPart part) {
                function(narrowed(p, part), image(x, memory), image(y, memory), part);
              });
    result.rows = p.window.out_h;
    result.columns = p.window.out_w;
    return result;
  }
  Result<DenseLayer> average() const {
    const auto window = window_of(context.graph, context.node);
    if (int64_t{window.kernel_h} * window.kernel_w > Kind::kMostPooledPixels)
      return make_fallback_layer<T>(
          context, fmt::format("its window has more than {} pixels", Kind::kMostPooledPixels));
    return pool("avg_pool2d", ops.avg_pool2d);
  }
  Result<DenseLayer> operator()(const AvgPool2D&) const { return average(); }
  Result<DenseLayer> operator()(const GlobalAvgPool&) const { return average(); }
  Result<DenseLayer> operator()(const MaxPool2D&) const {
    return pool("max_pool2d", ops.max_pool2d);
  }

  Result<DenseLayer> clamp(Activation activation) const {
    return layer("clamp", "whole vectors",
                 [run = Kind::clamp(context, activation), &table = ops, x = input(),
                  y = context.output](std::byte* memory, RowRange) {
                   run(table, size_of(y), image(x, memory), image(y, memory));
                 });
  }
  Result<DenseLayer> operator()(const Relu&) const { return clamp(Activation::kRelu); }
  Result<DenseLayer> operator()(const Relu6&) const { return clamp(Activation::kRelu6); }

  Result<DenseLayer> operator()(const Softmax&) const {
    DenseLayer result = layer("softmax", Kind::kSoftmax,
                              [row = Kind::softmax(context), x = input(), y = context.output](
                                  std::byte* memory, RowRange) {
                                const auto from = image(x, memory), to = image(y, memory);
                                for (int i = 0; i < x.height; ++i) {
                                  for (int j = 0; j < x.width; ++j)
                                    row(from.pixel(i, j), to.pixel(i, j));
                                }
                              });
    result.isa = Isa::kScalar;
    return result;
  }

  Result<DenseLayer> view() const {
    if (context.copies) return make_fallback_layer<T>(context, "a border is in the way of a view");
    DenseLayer result;
    result.run = [](std::byte*, RowRange) {};
    result.kernel = "none";
    result.reason = "output aliases input";
    return result;
  }
  Result<DenseLayer> operator()(const Flatten&) const { return view(); }
  Result<DenseLayer> operator()(const Reshape&) const { return view(); }
  Result<DenseLayer> operator()(const Dropout&) const { return view(); }

  Result<DenseLayer> operator()(const BatchNorm&) const {
    return make_fallback_layer<T>(context, "not folded");  // The plain maker's error.
  }
};

}  // namespace

namespace {

// Layers whose kernel `auto` measures.
bool has_candidates(const DenseContext& context) {
  const bool multiplies = std::holds_alternative<Conv2D>(context.node.op) ||
                          std::holds_alternative<DepthwiseConv2D>(context.node.op) ||
                          std::holds_alternative<FullyConnected>(context.node.op);
  return context.executor == Executor::kAuto && multiplies;
}

}  // namespace

template <>
Result<DenseLayer> make_dense_layer<uint8_t>(const DenseContext& context) {
  COPPICE_TRY_STATUS(check_integer_node(context.graph, context.node));
  if (has_candidates(context)) return make_auto_layer<uint8_t>(context);
  return std::visit(Maker<uint8_t>{context}, context.node.op);
}

template <>
Result<DenseLayer> make_dense_layer<int16_t>(const DenseContext& context) {
  COPPICE_TRY_STATUS(check_integer_node(context.graph, context.node));
  return std::visit(Maker<int16_t>{context}, context.node.op);
}

template <>
Result<DenseLayer> make_dense_layer<float>(const DenseContext& context) {
  if (has_candidates(context)) return make_auto_layer<float>(context);
  return std::visit(Maker<float>{context}, context.node.op);
}

}  // namespace coppice::exec
