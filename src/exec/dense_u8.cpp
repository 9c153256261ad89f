#include <memory>

#include "coppice/exec/lower.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "exec/dense_layer.h"
#include "exec/dense_weighted.h"
#include "exec/image_copy.h"
#include "exec/sparse_weighted.h"
#include "kernels/softmax/u8_table.h"

namespace coppice::exec {
namespace {

using kernels::RowRange;

struct Maker {
  const DenseContext& context;
  const kernels::ImageOpsU8& ops = image_ops_for(context.isa);

  const Place& input() const { return context.inputs[0]; }
  static kernels::Image<uint8_t> image(const Place& place, std::byte* memory) {
    return place.image<uint8_t>(memory);
  }

  DenseLayer layer(std::string kernel, std::string reason,
                   std::function<void(std::byte*, RowRange)> run) const {
    DenseLayer result;
    result.run = std::move(run);
    result.kernel = std::move(kernel);
    result.reason = std::move(reason);
    result.isa = ops.isa;
    return result;
  }

  RequantizeTable table() const { return requantize_table(context.graph, context.node); }

  // A convolution that leaves zeros out if the executor does.
  Result<DenseLayer> convolution(const kernels::Conv2DParams& p, const char* reason) const {
    const auto dense = [&] {
      return make_weighted_layer(context, kernels::conv2d_kernels_u8(), p, table(), reason);
    };
    const auto pattern = pattern_of(context.executor);
    if (!pattern) return dense();
    return make_sparse_layer(context, sparse::sparse_conv2d_u8(), *pattern, p, table(), dense);
  }

  Result<DenseLayer> operator()(const Conv2D&) const {
    return convolution(conv2d_params(context.graph, context.node),
                       "channels in lanes, tiles of pixels in registers");
  }
  Result<DenseLayer> operator()(const DepthwiseConv2D&) const {
    auto layer = make_weighted_layer(context, kernels::depthwise_conv2d_kernels_u8(),
                                     depthwise_conv2d_params(context.graph, context.node), table(),
                                     "four rows interleaved, a window's column in each lane");
    if (layer.ok() && pattern_of(context.executor)) {
      layer->fallback = true;
      layer->reason = "no depthwise kernel leaves zeros out; dense instead";
    }
    return layer;
  }
  Result<DenseLayer> operator()(const FullyConnected&) const {
    return convolution(as_convolution(fully_connected_params(context.graph, context.node), input()),
                       "a convolution as large as its input");
  }

  Result<DenseLayer> operator()(const Add&) const {
    const auto p = add_params(context.graph, context.node);
    // Factors above 1 leave the 32 bits of the vectors.
    if (p.rounding != Rounding::kFloat && p.y.shift > 0)
      return make_fallback_layer<uint8_t>(context,
                                          "its output's scale is 2^20 finer than its inputs'");
    const auto run = [p, add = ops.add, a = context.inputs[0], b = context.inputs[1],
                      y = context.output](std::byte* memory, RowRange) {
      add(size_of(y), p, image(a, memory), image(b, memory), image(y, memory));
    };
    return layer("add_u8", "vectors of bytes", run);
  }

  Result<DenseLayer> operator()(const Concat&) const {
    const auto run = [copy = ops.copy, in = context.inputs, y = context.output](std::byte* memory,
                                                                                RowRange) {
      auto part = image(y, memory);
      for (const Place& x : in) {
        copy(size_of(x), 0, image(x, memory), part);
        part.data += x.channels;
      }
    };
    return layer("concat_u8", "copies its inputs", run);
  }

  template <class Pool>
  Result<DenseLayer> pool(const char* name, Pool function) const {
    const kernels::PoolParams<int8_t> p{window_of(context.graph, context.node), input().channels,
                                        -128, 127};
    const auto run = [p, function, x = input(), y = context.output](std::byte* memory,
                                                                    RowRange rows) {
      function(p, image(x, memory), image(y, memory), rows);
    };
    DenseLayer result = layer(name, "channels in lanes", run);
    result.rows = p.window.out_h;
    return result;
  }
  Result<DenseLayer> average() const {
    const auto window = window_of(context.graph, context.node);
    if (window.kernel_h * window.kernel_w > 65535)
      return make_fallback_layer<uint8_t>(context, "its window has more than 65535 pixels");
    return pool("avg_pool2d_u8", ops.avg_pool2d);
  }
  Result<DenseLayer> operator()(const AvgPool2D&) const { return average(); }
  Result<DenseLayer> operator()(const GlobalAvgPool&) const { return average(); }
  Result<DenseLayer> operator()(const MaxPool2D&) const {
    return pool("max_pool2d_u8", ops.max_pool2d);
  }

  Result<DenseLayer> clamp(Activation activation) const {
    const auto& y = context.graph.tensors[static_cast<size_t>(context.node.output)];
    const IntegerClamp limits = integer_clamp(activation, *y.quantization);
    const auto run = [clamp = ops.clamp, low = static_cast<int8_t>(limits.min),
                      high = static_cast<int8_t>(limits.max), x = input(),
                      y = context.output](std::byte* memory, RowRange) {
      clamp(size_of(y), low, high, image(x, memory), image(y, memory));
    };
    return layer("clamp_u8", "vectors of bytes", run);
  }
  Result<DenseLayer> operator()(const Relu&) const { return clamp(Activation::kRelu); }
  Result<DenseLayer> operator()(const Relu6&) const { return clamp(Activation::kRelu6); }

  Result<DenseLayer> operator()(const Softmax&) const {
    const kernels::SoftmaxTable rows(softmax_params(context.graph, context.node));
    const auto run = [rows, x = input(), y = context.output](std::byte* memory, RowRange) {
      const auto from = image(x, memory), to = image(y, memory);
      for (int row = 0; row < x.height; ++row) {
        for (int column = 0; column < x.width; ++column)
          rows.run(from.pixel(row, column), to.pixel(row, column));
      }
    };
    DenseLayer result = layer("softmax_u8_table", "256 exponentials made in advance", run);
    result.isa = Isa::kScalar;
    return result;
  }

  Result<DenseLayer> view() const {
    if (context.copies)
      return make_fallback_layer<uint8_t>(context, "a border is in the way of a view");
    DenseLayer result = layer("none", "output aliases input", [](std::byte*, RowRange) {});
    result.isa = Isa::kScalar;
    return result;
  }
  Result<DenseLayer> operator()(const Flatten&) const { return view(); }
  Result<DenseLayer> operator()(const Reshape&) const { return view(); }
  Result<DenseLayer> operator()(const Dropout&) const { return view(); }

  Result<DenseLayer> operator()(const BatchNorm&) const {
    return make_fallback_layer<uint8_t>(context, "not folded");  // The plain maker's error.
  }
};

}  // namespace

Result<DenseLayer> make_dense_layer_u8(const DenseContext& context) {
  COPPICE_TRY_STATUS(check_integer_node(context.graph, context.node));
  return std::visit(Maker{context}, context.node.op);
}

}  // namespace coppice::exec
