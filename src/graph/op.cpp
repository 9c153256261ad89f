#include "coppice/graph/op.h"

#include <algorithm>
#include <utility>

#include "coppice/core/text.h"

namespace coppice {
namespace {

struct Description {
  std::string_view name;
  std::string_view summary;
};

constexpr Description describe(const Conv2D&) {
  return {"conv2d", "convolution with stride, padding, dilation, groups, fused ReLU/ReLU6"};
}
constexpr Description describe(const DepthwiseConv2D&) {
  return {"depthwise_conv2d",
          "one filter (or `multiplier` filters) for each channel, fused ReLU/ReLU6"};
}
constexpr Description describe(const FullyConnected&) {
  return {"fully_connected", "every input to every output, fused ReLU/ReLU6"};
}
constexpr Description describe(const BatchNorm&) {
  return {"batch_norm", "normalization by channel; folded into the layer before it for inference"};
}
constexpr Description describe(const Relu&) { return {"relu", "max(x, 0)"}; }
constexpr Description describe(const Relu6&) { return {"relu6", "min(max(x, 0), 6)"}; }
constexpr Description describe(const Add&) {
  return {"add", "sum of two tensors of one shape, fused ReLU/ReLU6"};
}
constexpr Description describe(const Concat&) {
  return {"concat", "two or more tensors side by side in channels"};
}
constexpr Description describe(const AvgPool2D&) {
  return {"avg_pool2d", "mean over a window; padding does not count"};
}
constexpr Description describe(const MaxPool2D&) {
  return {"max_pool2d", "largest value of a window"};
}
constexpr Description describe(const GlobalAvgPool&) {
  return {"global_avg_pool", "mean of each channel"};
}
constexpr Description describe(const Flatten&) {
  return {"flatten", "[H, W, C] as [H*W*C], no copy"};
}
constexpr Description describe(const Reshape&) {
  return {"reshape", "the same values in another shape, no copy"};
}
constexpr Description describe(const Dropout&) {
  return {"dropout", "drops activations in training; removed for inference"};
}
constexpr Description describe(const Softmax&) { return {"softmax", "class probabilities"}; }

Description describe_op(const Op& op) {
  return std::visit([](const auto& typed) { return describe(typed); }, op);
}

template <size_t... Index>
std::vector<Op> one_of_each(std::index_sequence<Index...>) {
  return {Op(std::in_place_index<Index>)...};
}

}  // namespace

std::string_view op_name(const Op& op) { return describe_op(op).name; }
std::string_view op_summary(const Op& op) { return describe_op(op).summary; }

std::vector<Op> all_ops() {
  return one_of_each(std::make_index_sequence<std::variant_size_v<Op>>());
}

Result<Op> make_op(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Op& op : all_ops()) {
    if (op_name(op) == name) return op;
    names.push_back(op_name(op));
  }
  return Error{ErrorCode::kInvalidArgument,
               "unknown op \"" + std::string(name) + '"' + did_you_mean(name, names)};
}

Padding same_padding(Size2 input, Size2 kernel, Size2 stride, Size2 dilation) {
  const auto total = [](int in, int k, int s, int d) {
    const int out = (in + s - 1) / s;
    return std::max(0, (out - 1) * s + (k - 1) * d + 1 - in);
  };
  const int h = total(input.h, kernel.h, stride.h, dilation.h);
  const int w = total(input.w, kernel.w, stride.w, dilation.w);
  return {h / 2, h - h / 2, w / 2, w - w / 2};
}

}  // namespace coppice
