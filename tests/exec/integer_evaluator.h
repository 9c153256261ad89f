#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "coppice/graph/graph.h"
#include "coppice/kernels/softmax/reference.h"

namespace coppice::testing {

/// Runs a quantized graph one output at a time in 64-bit integers, written from the quantization
/// specification's formulas alone: it shares no code with the kernels, but for softmax (which has
/// golden vectors of its own).
class IntegerEvaluator {
 public:
  explicit IntegerEvaluator(const Graph& graph) : graph_(graph) {}

  /// Value: int8_t, or int16_t for a graph with such activations.
  template <class Value>
  std::vector<Value> run(const std::vector<Value>& input) {
    tensors_.assign(graph_.tensors.size(), {});
    tensors_[at(graph_.input)].assign(input.begin(), input.end());
    for (const Node& node : graph_.nodes) {
      auto& y = tensors_[at(node.output)];
      y.resize(static_cast<size_t>(shape(node.output).elements()));
      std::visit([&](const auto& op) { run_op(op, node, y); }, node.op);
    }
    const auto& y = tensors_[at(graph_.output)];
    return {y.begin(), y.end()};
  }

 private:
  using Values = std::vector<int64_t>;
  __extension__ typedef __int128 Wide;

  static size_t at(int64_t i) { return static_cast<size_t>(i); }
  const Shape& shape(int tensor) const { return graph_.tensors[at(tensor)].shape; }
  const ActivationQuantization& q(int tensor) const {
    return *graph_.tensors[at(tensor)].quantization;
  }

  static Wide floor_divide(Wide a, Wide b) { return a / b - ((a % b != 0 && (a < 0)) ? 1 : 0); }

  // value * real, rounded by the graph's integer mode.
  int64_t scaled(int64_t value, double real) const {
    int exponent = 0;
    int64_t mantissa = std::llround(std::frexp(real, &exponent) * 2147483648.0);
    if (mantissa == int64_t{1} << 31) mantissa /= 2, ++exponent;
    if (exponent < -31) return 0;
    if (graph_.rounding == Rounding::kSingle) {
      const Wide unit = Wide{1} << (31 - exponent);
      return static_cast<int64_t>(floor_divide(2 * Wide{value} * mantissa + unit, 2 * unit));
    }
    const Wide product = Wide{value} * (Wide{1} << std::max(exponent, 0)) * mantissa;
    const Wide high = floor_divide(2 * product + (Wide{1} << 31), Wide{1} << 32);
    const Wide divisor = Wide{1} << std::max(-exponent, 0);
    const Wide magnitude = ((high < 0 ? -high : high) * 2 + divisor) / (2 * divisor);
    return static_cast<int64_t>(high < 0 ? -magnitude : magnitude);
  }

  // The same for 64-bit sums: the multiplier in 15 bits, rounded once.
  static int64_t scaled_wide(int64_t value, double real) {
    int exponent = 0;
    const double fraction = std::frexp(real, &exponent);
    int64_t mantissa = std::llround(fraction * 2147483648.0);
    if (mantissa == int64_t{1} << 31) mantissa /= 2, ++exponent;
    if (exponent < -31) return 0;
    const int64_t reduced =
        std::min<int64_t>(0x7FFF, static_cast<int64_t>(floor_divide(mantissa + 32768, 65536)));
    const Wide unit = Wide{1} << (46 - exponent);  // 2^31 for each step, so that it stays whole.
    return static_cast<int64_t>(
        floor_divide(2 * Wide{value} * reduced * (Wide{1} << 31) + unit, 2 * unit));
  }

  int64_t activated(int64_t steps, Activation activation, int tensor) const {
    const auto& y = q(tensor);
    int64_t low = -(1 << (y.bits - 1)), high = -low - 1;
    if (activation != Activation::kNone) low = y.zero_point;
    if (activation == Activation::kRelu6) {
      high = std::min<int64_t>(high, std::llround(6.0f / y.scale) + y.zero_point);
    }
    return std::clamp<int64_t>(steps + y.zero_point, low, high);
  }

  int64_t requantized(int64_t sum, const Node& node, Activation activation, int channel) const {
    const auto& scales = node.parameter("weight")->quantized->scales;
    const float w_scale = scales[scales.size() == 1 ? 0 : at(channel)];
    const float x_scale = q(node.inputs[0]).scale, y_scale = q(node.output).scale;
    if (graph_.rounding == Rounding::kFloat) {
      const float steps = static_cast<float>(sum) * (x_scale * w_scale / y_scale);
      return activated(static_cast<int64_t>(std::nearbyint(steps)), activation, node.output);
    }
    const double factor = double{x_scale} * double{w_scale} / double{y_scale};
    const int64_t steps = graph_.wide() ? scaled_wide(sum, factor) : scaled(sum, factor);
    return activated(steps, activation, node.output);
  }

  int64_t weight(const Node& node, int64_t index) const {
    return node.parameter("weight")->quantized->values[at(index)];
  }
  int64_t bias(const Node& node, int channel) const {
    const Parameter* parameter = node.parameter("bias");
    return parameter == nullptr ? 0 : parameter->quantized->values[at(channel)];
  }

  // Calls visit(oy, ox, c) for each output place of an [H, W, C] tensor, in order.
  template <class Visit>
  static void for_each_output(const Shape& out, Visit&& visit) {
    for (int oy = 0; oy < out[0]; ++oy) {
      for (int ox = 0; ox < out[1]; ++ox) {
        for (int c = 0; c < out[2]; ++c) visit(oy, ox, c);
      }
    }
  }
  // Calls visit(ky, kx, index of the pixel's first channel) inside the image.
  template <class Op, class Visit>
  static void for_each_pixel(const Op& op, Size2 dilation, const Shape& in, int oy, int ox,
                             Visit&& visit) {
    for (int ky = 0; ky < op.kernel.h; ++ky) {
      for (int kx = 0; kx < op.kernel.w; ++kx) {
        const int iy = oy * op.stride.h + ky * dilation.h - op.padding.top;
        const int ix = ox * op.stride.w + kx * dilation.w - op.padding.left;
        if (iy >= 0 && iy < in[0] && ix >= 0 && ix < in[1])
          visit(ky, kx, int64_t{iy * in[1] + ix} * in[2]);
      }
    }
  }

  void run_op(const Conv2D& op, const Node& node, Values& y) {
    const Values& x = tensors_[at(node.inputs[0])];
    const Shape &in = shape(node.inputs[0]), &out = shape(node.output);
    const int depth = in[2] / op.groups, zero = q(node.inputs[0]).zero_point;
    size_t next = 0;
    for_each_output(out, [&](int oy, int ox, int o) {
      int64_t sum = bias(node, o);
      for_each_pixel(op, op.dilation, in, oy, ox, [&](int ky, int kx, int64_t pixel) {
        for (int i = 0; i < depth; ++i) {
          const int64_t index = ((int64_t{o} * op.kernel.h + ky) * op.kernel.w + kx) * depth + i;
          sum += (x[at(pixel + o / (out[2] / op.groups) * depth + i)] - zero) * weight(node, index);
        }
      });
      y[next++] = requantized(sum, node, op.activation, o);
    });
  }

  void run_op(const DepthwiseConv2D& op, const Node& node, Values& y) {
    const Values& x = tensors_[at(node.inputs[0])];
    const Shape &in = shape(node.inputs[0]), &out = shape(node.output);
    size_t next = 0;
    for_each_output(out, [&](int oy, int ox, int o) {
      int64_t sum = bias(node, o);
      for_each_pixel(op, op.dilation, in, oy, ox, [&](int ky, int kx, int64_t pixel) {
        const int64_t index = (int64_t{ky} * op.kernel.w + kx) * out[2] + o;
        sum +=
            (x[at(pixel + o / op.multiplier)] - q(node.inputs[0]).zero_point) * weight(node, index);
      });
      y[next++] = requantized(sum, node, op.activation, o);
    });
  }

  void run_op(const FullyConnected& op, const Node& node, Values& y) {
    const Values& x = tensors_[at(node.inputs[0])];
    for (int o = 0; o < op.out_features; ++o) {
      int64_t sum = bias(node, o);
      for (size_t i = 0; i < x.size(); ++i) {
        sum += (x[i] - q(node.inputs[0]).zero_point) *
               weight(node, static_cast<int64_t>(at(o) * x.size() + i));
      }
      y[at(o)] = requantized(sum, node, op.activation, o);
    }
  }

  void run_op(const Add& op, const Node& node, Values& y) {
    const auto &a = q(node.inputs[0]), &b = q(node.inputs[1]), &out = q(node.output);
    const double twice = 2.0 * double{std::max(a.scale, b.scale)};
    const float a_ratio = a.scale / out.scale, b_ratio = b.scale / out.scale;
    const int shift = std::clamp(20 - std::ilogb(std::max(a_ratio, b_ratio)), 1, 31);
    for (size_t i = 0; i < y.size(); ++i) {
      const int64_t u = tensors_[at(node.inputs[0])][i] - a.zero_point;
      const int64_t v = tensors_[at(node.inputs[1])][i] - b.zero_point;
      int64_t steps = 0;
      if (graph_.rounding == Rounding::kFloat) {
        const int64_t sum = u * std::llrint(std::ldexp(double{a_ratio}, shift)) +
                            v * std::llrint(std::ldexp(double{b_ratio}, shift));
        steps = static_cast<int64_t>(
            floor_divide(2 * Wide{sum} + (Wide{1} << shift), Wide{2} << shift));
      } else {
        const int64_t spare = graph_.wide() ? 32768 : 1048576;
        const int64_t sum =
            scaled(u * spare, double{a.scale} / twice) + scaled(v * spare, double{b.scale} / twice);
        steps = scaled(sum, twice / (static_cast<double>(spare) * double{out.scale}));
      }
      y[i] = activated(steps, op.activation, node.output);
    }
  }

  void run_op(const Concat&, const Node& node, Values& y) {
    const int total = shape(node.output).back();
    int first = 0;
    for (const int input : node.inputs) {
      const int channels = shape(input).back();
      for (size_t i = 0; i < tensors_[at(input)].size(); ++i) {
        const int64_t pixel = static_cast<int64_t>(i) / channels,
                      c = static_cast<int64_t>(i) % channels;
        y[at(pixel * total + first + c)] = tensors_[at(input)][i];
      }
      first += channels;
    }
  }

  void run_op(const AvgPool2D& op, const Node& node, Values& y) {
    size_t next = 0;
    for_each_output(shape(node.output), [&](int oy, int ox, int c) {
      int64_t sum = 0, count = 0;
      for_each_pixel(op, {}, shape(node.inputs[0]), oy, ox, [&](int, int, int64_t pixel) {
        sum += tensors_[at(node.inputs[0])][at(pixel + c)];
        ++count;
      });
      y[next++] = std::llround(static_cast<double>(sum) / static_cast<double>(count));
    });
  }

  void run_op(const MaxPool2D& op, const Node& node, Values& y) {
    size_t next = 0;
    for_each_output(shape(node.output), [&](int oy, int ox, int c) {
      int64_t largest = -32768;
      for_each_pixel(op, {}, shape(node.inputs[0]), oy, ox, [&](int, int, int64_t pixel) {
        largest = std::max(largest, tensors_[at(node.inputs[0])][at(pixel + c)]);
      });
      y[next++] = largest;
    });
  }

  void run_op(const GlobalAvgPool&, const Node& node, Values& y) {
    const Values& x = tensors_[at(node.inputs[0])];
    const size_t channels = y.size(), pixels = x.size() / channels;
    for (size_t c = 0; c < channels; ++c) {
      int64_t sum = 0;
      for (size_t p = 0; p < pixels; ++p) sum += x[p * channels + c];
      y[c] = std::llround(static_cast<double>(sum) / static_cast<double>(pixels));
    }
  }

  template <class Value, class Run>
  void softmax(const Node& node, Values& y, const Run& run) {
    const Values& x = tensors_[at(node.inputs[0])];
    const std::vector<Value> in(x.begin(), x.end());
    std::vector<Value> out(x.size());
    const int depth = shape(node.inputs[0]).back();
    run(static_cast<int>(x.size()) / depth, depth, q(node.inputs[0]).scale, in.data(), out.data());
    y.assign(out.begin(), out.end());
  }
  void run_op(const Softmax&, const Node& node, Values& y) {
    if (graph_.wide()) {
      softmax<int16_t>(node, y, [&](int rows, int depth, float scale, const auto* in, auto* out) {
        kernels::softmax_ref(kernels::make_softmax_wide_params(rows, depth, scale, graph_.rounding),
                             {}, in, out);
      });
    } else {
      softmax<int8_t>(node, y, [](int rows, int depth, float scale, const auto* in, auto* out) {
        kernels::softmax_ref(kernels::make_softmax_params(rows, depth, scale), in, out);
      });
    }
  }

  void clamp(Activation activation, const Node& node, Values& y) {
    const Values& x = tensors_[at(node.inputs[0])];
    for (size_t i = 0; i < y.size(); ++i)
      y[i] = activated(x[i] - q(node.output).zero_point, activation, node.output);
  }
  void run_op(const Relu&, const Node& node, Values& y) { clamp(Activation::kRelu, node, y); }
  void run_op(const Relu6&, const Node& node, Values& y) { clamp(Activation::kRelu6, node, y); }
  void copy(const Node& node, Values& y) { y = tensors_[at(node.inputs[0])]; }
  void run_op(const Flatten&, const Node& node, Values& y) { copy(node, y); }
  void run_op(const Reshape&, const Node& node, Values& y) { copy(node, y); }
  void run_op(const Dropout&, const Node& node, Values& y) { copy(node, y); }
  void run_op(const BatchNorm&, const Node&, Values&) {}

  const Graph& graph_;
  std::vector<Values> tensors_;
};

}  // namespace coppice::testing
