#include <fmt/format.h>
#include <fmt/ranges.h>

#include "coppice/graph/graph.h"

namespace coppice {
namespace {

Error shape_error(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

// Output pixels along one axis, or 0 when the window does not fit.
int window_count(int input, int before, int after, int kernel, int stride, int dilation) {
  const int span = (kernel - 1) * dilation + 1;
  const int padded = input + before + after;
  return padded < span ? 0 : (padded - span) / stride + 1;
}

Result<Shape> windowed(const Shape& in, Size2 kernel, Size2 stride, Size2 dilation,
                       const Padding& pad, int channels) {
  if (in.rank() != 3) {
    return shape_error(fmt::format("needs an input [H, W, C], got {}", fmt::join(in, "x")));
  }
  if (kernel.h < 1 || kernel.w < 1 || stride.h < 1 || stride.w < 1 || dilation.h < 1 ||
      dilation.w < 1 || channels < 1) {
    return shape_error("kernel, stride, dilation and channels must be at least 1");
  }
  if (pad.top < 0 || pad.bottom < 0 || pad.left < 0 || pad.right < 0) {
    return shape_error("padding must not be negative");
  }
  const int h = window_count(in[0], pad.top, pad.bottom, kernel.h, stride.h, dilation.h);
  const int w = window_count(in[1], pad.left, pad.right, kernel.w, stride.w, dilation.w);
  if (h < 1 || w < 1) {
    return shape_error(fmt::format("a {}x{} window does not fit the padded input {}", kernel.h,
                                   kernel.w, fmt::join(in, "x")));
  }
  return Shape{h, w, channels};
}

struct Inference {
  const std::vector<Shape>& inputs;
  const Shape& in() const { return inputs[0]; }

  Result<Shape> operator()(const Conv2D& op) const {
    if (op.groups < 1 || in().back() % op.groups != 0 || op.out_channels % op.groups != 0) {
      return shape_error(fmt::format("{} groups do not divide {} input and {} output channels",
                                     op.groups, in().back(), op.out_channels));
    }
    return windowed(in(), op.kernel, op.stride, op.dilation, op.padding, op.out_channels);
  }
  Result<Shape> operator()(const DepthwiseConv2D& op) const {
    return windowed(in(), op.kernel, op.stride, op.dilation, op.padding,
                    in().back() * op.multiplier);
  }
  Result<Shape> operator()(const FullyConnected& op) const {
    if (op.out_features < 1) return shape_error("out_features must be at least 1");
    return Shape{op.out_features};
  }
  Result<Shape> operator()(const Add&) const {
    if (!(inputs[0] == inputs[1])) {
      return shape_error(fmt::format("adds {} and {}; the shapes must be equal",
                                     fmt::join(inputs[0], "x"), fmt::join(inputs[1], "x")));
    }
    return inputs[0];
  }
  Result<Shape> operator()(const Concat&) const {
    Shape out = inputs[0];
    for (size_t i = 1; i < inputs.size(); ++i) {
      bool fits = inputs[i].rank() == out.rank();
      for (int axis = 0; fits && axis + 1 < out.rank(); ++axis) fits = inputs[i][axis] == out[axis];
      if (!fits) {
        return shape_error(fmt::format("concatenates {} and {}; all but the last axis must be equal",
                                       fmt::join(inputs[0], "x"), fmt::join(inputs[i], "x")));
      }
      out[out.rank() - 1] += inputs[i].back();
    }
    return out;
  }
  Result<Shape> operator()(const AvgPool2D& op) const { return pool(op); }
  Result<Shape> operator()(const MaxPool2D& op) const { return pool(op); }
  Result<Shape> operator()(const GlobalAvgPool&) const {
    if (in().rank() != 3) return shape_error("needs an input [H, W, C]");
    return Shape{in()[2]};
  }
  Result<Shape> operator()(const Flatten&) const { return Shape{static_cast<int>(in().elements())}; }
  Result<Shape> operator()(const Reshape& op) const {
    if (op.shape.elements() != in().elements()) {
      return shape_error(fmt::format("reshapes {} to {}; the element counts differ",
                                     fmt::join(in(), "x"), fmt::join(op.shape, "x")));
    }
    return op.shape;
  }
  Result<Shape> operator()(const Dropout& op) const {
    if (!(op.rate >= 0.0f && op.rate < 1.0f)) return shape_error("rate must be in [0, 1)");
    return in();
  }
  Result<Shape> operator()(const BatchNorm&) const { return in(); }
  Result<Shape> operator()(const Relu&) const { return in(); }
  Result<Shape> operator()(const Relu6&) const { return in(); }
  Result<Shape> operator()(const Softmax&) const { return in(); }

  template <class Pool>
  Result<Shape> pool(const Pool& op) const {
    if (op.padding.top >= op.kernel.h || op.padding.bottom >= op.kernel.h ||
        op.padding.left >= op.kernel.w || op.padding.right >= op.kernel.w) {
      return shape_error("padding must be smaller than the pooling window");
    }
    return windowed(in(), op.kernel, op.stride, {}, op.padding, in().rank() == 3 ? in()[2] : 0);
  }
};

}  // namespace

Result<Shape> infer_shape(const Op& op, const std::vector<Shape>& inputs) {
  const bool is_concat = std::holds_alternative<Concat>(op);
  const size_t wanted = std::holds_alternative<Add>(op) ? 2 : 1;
  if (is_concat ? inputs.size() < 2 : inputs.size() != wanted) {
    return shape_error(fmt::format("takes {} input{}, got {}", is_concat ? "2 or more" : std::to_string(wanted),
                                   wanted == 1 && !is_concat ? "" : "s", inputs.size()));
  }
  return std::visit(Inference{inputs}, op);
}

}  // namespace coppice
