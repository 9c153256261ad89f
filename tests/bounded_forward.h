#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice::testing {

/// A value and a bound on how far a computation with rounded weights or arithmetic may be from it.
struct Bounded {
  double value = 0;
  double error = 0;
};

/// Where the errors come from, in units of 2^-24 (half a float's step at 1).
struct Rounding32 {
  bool weights = false;     ///< Each weight and bias was rounded once.
  bool arithmetic = false;  ///< Sums of K products are computed in float: (K + 1) roundings.
};

/// A forward pass in double, written from the ops' definitions alone, that carries an error bound
/// through the graph: |fl(sum w x) - sum w x| <= gamma_K sum |w| |x| (Higham, "Accuracy and
/// stability of numerical algorithms", 2002, sec. 3.1) and |w| times the error of x.
class BoundedForward {
 public:
  BoundedForward(const Graph& graph, Rounding32 rounding) : graph_(graph), rounding_(rounding) {}

  std::vector<Bounded> run(const std::vector<double>& input) {
    tensors_.assign(graph_.tensors.size(), {});
    for (double value : input) tensors_[size_t_of(graph_.input)].push_back({value, 0});
    for (const auto& node : graph_.nodes) run_node(node);
    return tensors_[size_t_of(graph_.output)];
  }

 private:
  using Values = std::vector<Bounded>;

  static size_t size_t_of(int i) { return static_cast<size_t>(i); }
  const Shape& shape(int tensor) const { return graph_.tensors[size_t_of(tensor)].shape; }

  // One output of a dot product: products are added one by one, then closed with the bias.
  struct Sum {
    double value = 0, magnitude = 0, error = 0;
    int terms = 0;
    void add(double weight, const Bounded& x) {
      value += weight * x.value;
      magnitude += std::abs(weight) * (std::abs(x.value) + x.error);
      error += std::abs(weight) * x.error;
      ++terms;
    }
  };

  Bounded close(const Sum& sum, const Node& node, size_t channel) const {
    const Parameter* bias = node.parameter("bias");
    const double b = bias == nullptr ? 0.0 : double{bias->value[channel]};
    // 1.001 covers the double arithmetic here and the second order of gamma_K.
    const double unit = 1.001 * std::ldexp(1.0, -24);
    double roundings = rounding_.weights ? 1 : 0;
    if (rounding_.arithmetic) roundings += sum.terms + 1;
    return {sum.value + b, sum.error + roundings * unit * (sum.magnitude + std::abs(b))};
  }

  void run_node(const Node& node) {
    Values& out = tensors_[size_t_of(node.output)];
    out.assign(static_cast<size_t>(shape(node.output).elements()), {});
    std::visit([&](const auto& op) { compute(op, node, out); }, node.op);
    const auto activation = std::visit(
        [](const auto& op) {
          if constexpr (requires { op.activation; }) return op.activation;
          return Activation::kNone;
        },
        node.op);
    if (activation == Activation::kRelu) clamp(out, 1e300);
    if (activation == Activation::kRelu6) clamp(out, 6);
  }

  const Values& input(const Node& node, size_t i = 0) const {
    return tensors_[size_t_of(node.inputs[i])];
  }

  static void clamp(Values& values, double high) {
    for (auto& x : values) x.value = std::clamp(x.value, 0.0, high);
  }

  // Calls visit(input pixel, kernel row, kernel column) for each place of a window inside the
  // image.
  template <class Op, class Visit>
  static void for_window(const Op& op, Size2 dilation, const Shape& in, int oy, int ox,
                         Visit visit) {
    for (int ky = 0; ky < op.kernel.h; ++ky) {
      for (int kx = 0; kx < op.kernel.w; ++kx) {
        const int y = oy * op.stride.h - op.padding.top + ky * dilation.h;
        const int x = ox * op.stride.w - op.padding.left + kx * dilation.w;
        if (y >= 0 && y < in[0] && x >= 0 && x < in[1]) visit(y * in[1] + x, ky, kx);
      }
    }
  }

  template <class PerOutput>
  void for_outputs(const Node& node, PerOutput per_output) const {
    const Shape& out = shape(node.output);
    for (int y = 0, i = 0; y < out[0]; ++y) {
      for (int x = 0; x < out[1]; ++x) {
        for (int c = 0; c < out[2]; ++c) per_output(y, x, c, size_t_of(i++));
      }
    }
  }

  void compute(const Conv2D& op, const Node& node, Values& out) {
    const Shape &in = shape(node.inputs[0]), &w = node.parameter("weight")->shape;
    const int per_group = op.out_channels / op.groups;
    for_outputs(node, [&](int oy, int ox, int oc, size_t i) {
      Sum sum;
      for_window(op, op.dilation, in, oy, ox, [&](int pixel, int ky, int kx) {
        for (int ic = 0; ic < w[3]; ++ic) {
          const int weight = ((oc * w[1] + ky) * w[2] + kx) * w[3] + ic;
          const int channel = oc / per_group * w[3] + ic;
          sum.add(node.parameter("weight")->value[size_t_of(weight)],
                  input(node)[size_t_of(pixel * in[2] + channel)]);
        }
      });
      out[i] = close(sum, node, size_t_of(oc));
    });
  }

  void compute(const DepthwiseConv2D& op, const Node& node, Values& out) {
    const Shape &in = shape(node.inputs[0]), &w = node.parameter("weight")->shape;
    for_outputs(node, [&](int oy, int ox, int oc, size_t i) {
      Sum sum;
      for_window(op, op.dilation, in, oy, ox, [&](int pixel, int ky, int kx) {
        const int weight = (ky * w[1] + kx) * w[2] + oc, channel = oc / op.multiplier;
        sum.add(node.parameter("weight")->value[size_t_of(weight)],
                input(node)[size_t_of(pixel * in[2] + channel)]);
      });
      out[i] = close(sum, node, size_t_of(oc));
    });
  }

  void compute(const FullyConnected&, const Node& node, Values& out) {
    const Values& in = input(node);
    for (size_t o = 0; o < out.size(); ++o) {
      Sum sum;
      for (size_t i = 0; i < in.size(); ++i)
        sum.add(node.parameter("weight")->value[o * in.size() + i], in[i]);
      out[o] = close(sum, node, o);
    }
  }

  void compute(const BatchNorm& op, const Node& node, Values& out) {
    const auto at = [&](const char* name, size_t c) {
      return double{node.parameter(name)->value[c]};
    };
    const size_t channels = node.parameter("gamma")->value.size();
    for (size_t i = 0; i < out.size(); ++i) {
      const size_t c = i % channels;
      const double factor = at("gamma", c) / std::sqrt(at("variance", c) + double{op.epsilon});
      const Bounded& x = input(node)[i];
      out[i] = {factor * (x.value - at("mean", c)) + at("beta", c), std::abs(factor) * x.error};
    }
  }

  template <class Pool, class Reduce>
  void pool(const Pool& op, const Node& node, Values& out, Reduce reduce) {
    const Shape& in = shape(node.inputs[0]);
    for_outputs(node, [&](int oy, int ox, int c, size_t i) {
      Values window;
      for_window(op, {}, in, oy, ox, [&](int pixel, int, int) {
        window.push_back(input(node)[size_t_of(pixel * in[2] + c)]);
      });
      out[i] = reduce(window);
    });
  }

  // Relative error of that many operations in float.
  double arithmetic(double operations) const {
    return rounding_.arithmetic ? 1.001 * operations * std::ldexp(1.0, -24) : 0.0;
  }

  Bounded mean(const Values& values) const {
    const auto count = static_cast<double>(values.size());
    Bounded sum;
    double magnitude = 0;
    for (const auto& x : values) {
      sum = {sum.value + x.value, sum.error + x.error};
      magnitude += std::abs(x.value) + x.error;
    }
    return {sum.value / count, (sum.error + arithmetic(count + 1) * magnitude) / count};
  }

  static Bounded largest(const Values& values) {
    Bounded best{-1e300, 0};
    for (const auto& x : values)
      best = {std::max(best.value, x.value), std::max(best.error, x.error)};
    return best;
  }

  void compute(const AvgPool2D& op, const Node& node, Values& out) {
    pool(op, node, out, [this](const Values& window) { return mean(window); });
  }
  void compute(const MaxPool2D& op, const Node& node, Values& out) { pool(op, node, out, largest); }

  void compute(const GlobalAvgPool&, const Node& node, Values& out) {
    const Values& in = input(node);
    for (size_t c = 0; c < out.size(); ++c) {
      Values channel;
      for (size_t i = c; i < in.size(); i += out.size()) channel.push_back(in[i]);
      out[c] = mean(channel);
    }
  }

  void compute(const Add&, const Node& node, Values& out) {
    for (size_t i = 0; i < out.size(); ++i) {
      const Bounded &a = input(node)[i], &b = input(node, 1)[i];
      const double error = a.error + b.error;
      out[i] = {a.value + b.value, error + arithmetic(1) * (std::abs(a.value + b.value) + error)};
    }
  }

  void compute(const Concat&, const Node& node, Values& out) {
    size_t offset = 0;
    const auto width = static_cast<size_t>(shape(node.output).back());
    for (size_t part = 0; part < node.inputs.size(); ++part) {
      const auto channels = static_cast<size_t>(shape(node.inputs[part]).back());
      for (size_t i = 0; i < input(node, part).size(); ++i) {
        out[i / channels * width + offset + i % channels] = input(node, part)[i];
      }
      offset += channels;
    }
  }

  void compute(const Relu&, const Node& node, Values& out) { clamp(out = input(node), 1e300); }
  void compute(const Relu6&, const Node& node, Values& out) { clamp(out = input(node), 6); }
  void compute(const Flatten&, const Node& node, Values& out) { out = input(node); }
  void compute(const Reshape&, const Node& node, Values& out) { out = input(node); }
  void compute(const Dropout&, const Node& node, Values& out) { out = input(node); }

  // The Jacobian's rows sum to 2 p (1 - p) <= 1/2 in absolute value. In float, exp(x - top) is off
  // by the rounding of its argument and two units of its own, the sum by one for each term.
  void compute(const Softmax&, const Node& node, Values& out) {
    const Values& in = input(node);
    const auto channels = static_cast<size_t>(shape(node.output).back());
    for (size_t row = 0; row < in.size(); row += channels) {
      const Bounded top = largest(Values(in.begin() + static_cast<std::ptrdiff_t>(row),
                                         in.begin() + static_cast<std::ptrdiff_t>(row + channels)));
      double total = 0;
      for (size_t c = 0; c < channels; ++c) total += std::exp(in[row + c].value - top.value);
      for (size_t c = 0; c < channels; ++c) {
        const double difference = in[row + c].value - top.value;
        const double share = std::exp(difference) / total;
        const double operations = static_cast<double>(channels) + 6 + 2 * std::abs(difference);
        out[row + c] = {share, top.error / 2 + arithmetic(operations) * share};
      }
    }
  }

  const Graph& graph_;
  Rounding32 rounding_;
  std::vector<Values> tensors_;
};

}  // namespace coppice::testing
