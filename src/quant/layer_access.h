#pragma once

#include "coppice/graph/scheme.h"

namespace coppice::quant {

inline size_t at(int64_t i) { return static_cast<size_t>(i); }

/// The activation that a layer with weights applies to its output.
inline Activation activation_of(const Op& op) {
  return std::visit(
      [](const auto& typed) {
        if constexpr (requires { typed.activation; }) return typed.activation;
        return Activation::kNone;
      },
      op);
}

/// How the inputs of a layer's weight correspond to channels of the tensor it reads.
/// channel_of(i) is the input channel of element i; -1 where a channel cannot be told (groups).
class InputChannels {
 public:
  /// `channels` of the tensor before pools and reshapes: a flattened one repeats them.
  InputChannels(const Node& node, int channels)
      : shape_(node.parameter("weight")->shape), channels_(channels) {
    if (const auto* op = std::get_if<DepthwiseConv2D>(&node.op)) multiplier_ = op->multiplier;
    if (const auto* op = std::get_if<Conv2D>(&node.op)) grouped_ = op->groups > 1;
  }
  int channel_of(size_t i) const {
    if (grouped_) return -1;
    const int last = static_cast<int>(i % at(shape_.back()));
    return multiplier_ > 0 ? last / multiplier_ : last % channels_;
  }
  bool known() const { return !grouped_; }

 private:
  Shape shape_;
  int channels_;
  int multiplier_ = 0;  // 0: not depthwise.
  bool grouped_ = false;
};

/// A bias of zeros where a layer has none.
inline Parameter& bias_of(Node& node, size_t channels) {
  if (node.parameter("bias") == nullptr) {
    const Shape shape{static_cast<int>(channels)};
    node.parameters.push_back(
        {"bias", shape, std::vector<float>(channels, 0.0f), {}, std::nullopt});
  }
  return *node.parameter("bias");
}

/// Adds to the kept elements of a layer's bias and quantizes it anew.
inline void shift_bias(Graph& quantized, Node& node, const std::vector<double>& shift) {
  Parameter& bias = bias_of(node, shift.size());
  for (size_t o = 0; o < shift.size(); ++o) {
    if (is_kept(bias, o)) bias.value[o] = static_cast<float>(bias.value[o] + shift[o]);
  }
  const float x_scale = quantized.tensors[at(node.inputs[0])].quantization->scale;
  quantize_bias(bias, x_scale, node.parameter("weight")->quantized->scales);
}

}  // namespace coppice::quant
