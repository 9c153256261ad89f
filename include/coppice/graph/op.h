#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/core/shape.h"

namespace coppice {

struct Size2 {
  int h = 1;
  int w = 1;
  friend bool operator==(const Size2&, const Size2&) = default;
};

/// Zero padding in pixels on each side.
struct Padding {
  int top = 0, bottom = 0, left = 0, right = 0;
  friend bool operator==(const Padding&, const Padding&) = default;
};

/// TensorFlow's SAME padding: output = ceil(input / stride), the odd pixel at the bottom / right.
Padding same_padding(Size2 input, Size2 kernel, Size2 stride, Size2 dilation = {});

/// A clamp that an operation applies to its own output.
enum class Activation { kNone, kRelu, kRelu6 };

/// Convolution. input [H, W, I], weight [O, KH, KW, I/groups], bias [O], output [OH, OW, O].
struct Conv2D {
  int out_channels = 1;
  Size2 kernel, stride, dilation;
  Padding padding;
  int groups = 1;
  Activation activation = Activation::kNone;
};

/// Depthwise convolution. input [H, W, C], weight [KH, KW, C*multiplier], bias [C*multiplier];
/// output channel c*multiplier + m reads input channel c.
struct DepthwiseConv2D {
  int multiplier = 1;
  Size2 kernel, stride, dilation;
  Padding padding;
  Activation activation = Activation::kNone;
};

/// Fully connected layer over the flattened input. weight [O, I], bias [O], output [O].
struct FullyConnected {
  int out_features = 1;
  Activation activation = Activation::kNone;
};

/// Batch normalization over the last axis: gamma, beta, mean, variance, each [C].
struct BatchNorm {
  float epsilon = 1e-3f;
  float momentum = 0.9f;  ///< Share of the old running statistics that a step keeps.
};

struct Relu {};
struct Relu6 {};

/// Elementwise sum of two tensors of one shape.
struct Add {
  Activation activation = Activation::kNone;
};

/// Concatenation of two or more [H, W, C_i] along channels.
struct Concat {};

struct AvgPool2D {  ///< Mean over each window; padding does not count.
  Size2 kernel, stride;
  Padding padding;
};
struct MaxPool2D {
  Size2 kernel, stride;
  Padding padding;
};
struct GlobalAvgPool {};  ///< [H, W, C] -> [C].

struct Flatten {};  ///< [H, W, C] -> [H*W*C], in memory order.
struct Reshape {
  Shape shape;
};

struct Dropout {  ///< Identity except in training.
  float rate = 0.5f;
};
struct Softmax {};

using Op = std::variant<Conv2D, DepthwiseConv2D, FullyConnected, BatchNorm, Relu, Relu6, Add, Concat,
                        AvgPool2D, MaxPool2D, GlobalAvgPool, Flatten, Reshape, Dropout, Softmax>;

/// The op's name in model files, configs and tables: "conv2d", "depthwise_conv2d", ...
std::string_view op_name(const Op& op);

/// One line on what the op does.
std::string_view op_summary(const Op& op);

/// One op of each kind with its default fields, in the order of the variant.
std::vector<Op> all_ops();

/// The op of this name with default fields, or an error that names the nearest one.
Result<Op> make_op(std::string_view name);

}  // namespace coppice
