#include "coppice/graph/op.h"

#include <algorithm>

namespace coppice {
namespace {

constexpr std::string_view name_of(const Conv2D&) { return "conv2d"; }
constexpr std::string_view name_of(const DepthwiseConv2D&) { return "depthwise_conv2d"; }
constexpr std::string_view name_of(const FullyConnected&) { return "fully_connected"; }
constexpr std::string_view name_of(const BatchNorm&) { return "batch_norm"; }
constexpr std::string_view name_of(const Relu&) { return "relu"; }
constexpr std::string_view name_of(const Relu6&) { return "relu6"; }
constexpr std::string_view name_of(const Add&) { return "add"; }
constexpr std::string_view name_of(const Concat&) { return "concat"; }
constexpr std::string_view name_of(const AvgPool2D&) { return "avg_pool2d"; }
constexpr std::string_view name_of(const MaxPool2D&) { return "max_pool2d"; }
constexpr std::string_view name_of(const GlobalAvgPool&) { return "global_avg_pool"; }
constexpr std::string_view name_of(const Flatten&) { return "flatten"; }
constexpr std::string_view name_of(const Reshape&) { return "reshape"; }
constexpr std::string_view name_of(const Dropout&) { return "dropout"; }
constexpr std::string_view name_of(const Softmax&) { return "softmax"; }

}  // namespace

std::string_view op_name(const Op& op) {
  return std::visit([](const auto& typed) { return name_of(typed); }, op);
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
