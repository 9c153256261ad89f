#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/graph/builder.h"

namespace coppice::testing {

/// What a random graph may hold.
struct RandomGraphOptions {
  int max_nodes = 30;
  bool batch_norm = true;
  bool dropout = true;
  bool groups = true;   ///< Convolutions with groups other than 1.
  bool softmax = true;  ///< May end with a Softmax.
};

/// Grows a random graph from its seed: convolutions (any kernel, stride, dilation, padding,
/// groups), depthwise with multiplier, pools, residual adds (also projected, also over a long way),
/// concats, then one of three heads and fully connected layers. Every layer's output is read; batch
/// norms follow a layer that nothing else reads. Biases and batch norm statistics are random too.
class RandomGraph {
 public:
  using Tensor = GraphBuilder::Tensor;

  RandomGraph(uint64_t seed, const RandomGraphOptions& options)
      : random_(seed, "random_graph"),
        options_(options),
        input_{pick(5, 17), pick(5, 17), pick(1, 5)},
        builder_(fmt::format("random_graph_{}", seed), input_, seed) {}

  Graph build() && {
    constexpr int kHeadNodes = 7, kLargestBlock = 10;
    const int wanted = pick(1, std::max(1, options_.max_nodes - kHeadNodes - kLargestBlock));
    Tensor x = builder_.input();
    while (nodes_ < wanted) x = grow(x);
    x = head(x);
    auto graph = std::move(builder_).finish(x);
    if (!graph.ok())
      fmt::print(stderr, "the random graph is not valid: {}\n", graph.error().message);
    if (!graph.ok()) std::abort();
    randomize_parameters(*graph);
    return std::move(graph).value();
  }

 private:
  int pick(int low, int high) {
    return low + static_cast<int>(random_.below(static_cast<uint32_t>(high - low + 1)));
  }
  bool chance(int percent) { return pick(0, 99) < percent; }
  const Shape& shape(Tensor x) const { return builder_.shape(x); }

  Tensor add(Op op, const std::vector<Tensor>& inputs, bool bias = true) {
    return builder_.add(std::move(op), inputs, fmt::format("n{}", ++nodes_), bias);
  }

  // A kernel that fits the input, with padding of one of three kinds.
  template <class Window>
  void choose_window(Window& op, const Shape& in, bool keep_size) {
    op.kernel = {std::min(pick(1, 4), in[0]), std::min(pick(1, 4), in[1])};
    if (!keep_size) op.stride = {pick(1, 2), pick(1, 2)};
    const Size2 kernel = op.kernel;
    if (keep_size || chance(60)) {
      op.padding = same_padding({in[0], in[1]}, kernel, op.stride);
    } else if (chance(50)) {
      op.padding = {pick(0, kernel.h - 1), pick(0, kernel.h - 1), pick(0, kernel.w - 1),
                    pick(0, kernel.w - 1)};
    }
  }

  // SAME padding for any dilation, else no dilation: a dilated kernel may not fit otherwise.
  template <class Conv>
  void maybe_dilate(Conv& op, const Shape& in) {
    if (!chance(20)) return;
    op.dilation = {pick(1, 2), pick(1, 2)};
    op.padding = same_padding({in[0], in[1]}, op.kernel, op.stride, op.dilation);
  }

  Tensor finish_layer(Tensor x, bool norm) {
    if (norm) x = add(BatchNorm{}, {x});
    const int activation = pick(0, 3);
    if (activation == 0) return x;
    return activation == 3 ? add(Relu6{}, {x}) : add(Relu{}, {x});
  }

  Tensor conv(Tensor x, int channels, bool keep_size) {
    Conv2D op;
    const Shape in = shape(x);
    choose_window(op, in, keep_size);
    maybe_dilate(op, in);
    op.out_channels = channels;
    if (options_.groups && chance(15)) {
      for (int groups : {2, 3}) {
        if (in[2] % groups == 0 && channels % groups == 0) op.groups = groups;
      }
    }
    const bool norm = options_.batch_norm && chance(50);
    return finish_layer(add(op, {x}, !norm || chance(30)), norm);
  }

  Tensor depthwise(Tensor x) {
    DepthwiseConv2D op;
    const Shape in = shape(x);
    choose_window(op, in, false);
    maybe_dilate(op, in);
    op.multiplier = in[2] <= 8 && chance(25) ? 2 : 1;
    const bool norm = options_.batch_norm && chance(50);
    return finish_layer(add(op, {x}, !norm), norm);
  }

  Tensor pool(Tensor x) {
    if (chance(50)) {
      AvgPool2D op;
      choose_window(op, shape(x), false);
      return add(op, {x});
    }
    MaxPool2D op;
    choose_window(op, shape(x), false);
    return add(op, {x});
  }

  // x + branch(x); sometimes both sides are projected to new channels.
  Tensor residual(Tensor x) {
    const bool project = chance(30);
    const int channels = project ? pick(1, 10) : shape(x)[2];
    Tensor branch = conv(x, channels, true);
    if (chance(50)) branch = conv(branch, channels, true);
    Tensor shortcut = x;
    if (project) {
      Conv2D op;
      op.out_channels = channels;
      shortcut = add(op, {x});
    }
    Tensor sum = chance(50) ? add(Add{}, {shortcut, branch}) : add(Add{}, {branch, shortcut});
    return chance(60) ? add(Relu{}, {sum}) : sum;
  }

  // Two or three branches of one size, side by side; x itself may be one of them.
  Tensor concat(Tensor x) {
    std::vector<Tensor> parts{conv(x, pick(1, 6), true)};
    if (chance(50)) parts.push_back(conv(x, pick(1, 6), true));
    if (parts.size() == 1 || chance(40)) parts.insert(parts.begin() + pick(0, 1), x);
    return add(Concat{}, parts);
  }

  Tensor grow(Tensor x) {
    const int kind = pick(0, 99);
    if (kind < 30) return conv(x, pick(1, 12), false);
    if (kind < 45) return depthwise(x);
    if (kind < 55) return pool(x);
    if (kind < 75) return residual(x);
    if (kind < 90) return concat(x);
    return options_.dropout ? add(Dropout{0.25f}, {x}) : conv(x, pick(1, 12), false);
  }

  Tensor head(Tensor x) {
    const int kind = pick(0, 3);
    if (kind == 0) x = add(GlobalAvgPool{}, {x});
    if (kind == 1) x = add(Flatten{}, {x});
    if (kind == 2) x = add(Reshape{{static_cast<int>(shape(x).elements())}}, {x});
    if (chance(40)) {
      x = add(FullyConnected{pick(2, 9), Activation::kNone}, {x});
      if (chance(70)) x = add(Relu{}, {x});
    }
    x = add(FullyConnected{pick(2, 6), Activation::kNone}, {x});
    return options_.softmax && chance(60) ? add(Softmax{}, {x}) : x;
  }

  void randomize_parameters(Graph& graph) {
    for (auto& node : graph.nodes) {
      for (auto& parameter : node.parameters) {
        const bool positive = parameter.name == "variance";
        if (parameter.name == "weight") continue;
        for (float& value : parameter.value) value = random_.uniform(positive ? 0.1f : -1.0f, 1.5f);
      }
    }
  }

  Random random_;
  RandomGraphOptions options_;
  Shape input_;
  GraphBuilder builder_;
  int nodes_ = 0;
};

inline Graph random_graph(uint64_t seed, const RandomGraphOptions& options = {}) {
  return RandomGraph(seed, options).build();
}

/// One line a layer, for SCOPED_TRACE: what failed can be rebuilt from the seed in the name.
inline std::string describe(const Graph& graph) {
  std::string text = fmt::format("{}: input {}\n", graph.name, fmt::join(graph.input_shape(), "x"));
  for (const auto& node : graph.nodes) {
    text += fmt::format("  {} {} t{} -> t{} {}\n", node.name, op_name(node.op),
                        fmt::join(node.inputs, " t"), node.output,
                        fmt::join(graph.tensors[static_cast<size_t>(node.output)].shape, "x"));
  }
  return text;
}

/// Prunes each weight with this probability.
inline void prune_randomly(Graph& graph, float sparsity, uint64_t seed) {
  for (auto& node : graph.nodes) {
    Parameter* weight = node.parameter("weight");
    if (weight == nullptr) continue;
    Random random(seed, node.name);
    weight->mask.resize(weight->value.size());
    for (auto& keep : weight->mask) keep = random.uniform() < sparsity ? 0 : 1;
    apply_mask(*weight);
  }
}

inline std::vector<double> random_input(const Graph& graph, uint64_t seed) {
  Random random(seed, "input");
  std::vector<double> values(static_cast<size_t>(graph.input_shape().elements()));
  for (double& value : values) value = random.uniform(-1.0f, 1.0f);
  return values;
}

}  // namespace coppice::testing
