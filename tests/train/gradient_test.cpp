// Gradients against central differences of the loss, for every op, on every instruction set, with
// the op's input read by one or two others (gradients written or added).
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "coppice/core/random.h"
#include "coppice/graph/builder.h"
#include "train/network.h"

namespace coppice::train {
namespace {

using Tensor = GraphBuilder::Tensor;
using Build = std::function<Tensor(GraphBuilder&, Tensor)>;

struct Case {
  std::string name;
  Build build;
};

Build one(Op op, bool bias = true) {
  return [=](GraphBuilder& g, Tensor x) { return g.add(op, {x}, "tested", bias); };
}

Conv2D conv(int out, Size2 kernel, Size2 stride, Size2 dilation, Padding padding, int groups = 1,
            Activation activation = Activation::kNone) {
  return {out, kernel, stride, dilation, padding, groups, activation};
}

DepthwiseConv2D depthwise(int multiplier, Size2 kernel, Size2 stride, Size2 dilation,
                          Padding padding, Activation activation = Activation::kNone) {
  return {multiplier, kernel, stride, dilation, padding, activation};
}

std::vector<Case> convolutions() {
  const auto relu = Activation::kRelu;
  const auto relu6 = Activation::kRelu6;
  return {
      {"conv3x3", one(conv(5, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}))},
      {"conv3x3_wide", one(conv(19, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}), false)},
      {"conv3x3_valid", one(conv(4, {3, 3}, {1, 1}, {1, 1}, {}), false)},
      {"conv_stride", one(conv(5, {3, 2}, {2, 3}, {1, 1}, {1, 0, 0, 1}, 1, relu))},
      {"conv_dilated", one(conv(3, {2, 3}, {1, 1}, {3, 2}, {2, 1, 0, 3}, 1, relu6))},
      {"conv_groups", one(conv(6, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 2))},
      {"conv_groups_stride", one(conv(6, {3, 3}, {2, 2}, {1, 2}, {1, 2, 3, 1}, 3))},
      {"conv_much_padding", one(conv(4, {2, 2}, {1, 1}, {1, 1}, {3, 2, 1, 4}))},
      {"pointwise", one(conv(7, {1, 1}, {1, 1}, {1, 1}, {}, 1, relu))},
      {"pointwise_groups", one(conv(4, {1, 1}, {1, 1}, {1, 1}, {}, 2))},
      {"pointwise_stride", one(conv(7, {1, 1}, {2, 2}, {1, 1}, {}), false)},
      {"depthwise3x3", one(depthwise(1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}))},
      {"depthwise_valid", one(depthwise(1, {2, 5}, {1, 1}, {1, 1}, {}), false)},
      {"depthwise_stride", one(depthwise(1, {3, 3}, {2, 1}, {1, 1}, {0, 1, 1, 0}, relu))},
      {"depthwise_dilated", one(depthwise(1, {3, 2}, {1, 1}, {2, 3}, {2, 2, 1, 1}, relu6))},
      {"depthwise_multiplier", one(depthwise(3, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}))},
      {"depthwise_multiplier_stride", one(depthwise(2, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}))},
  };
}

std::vector<Case> others() {
  const auto then = [](Op first, Op second) {
    return [=](GraphBuilder& g, Tensor x) {
      return g.add(second, {g.add(first, {x}, "first")}, "tested");
    };
  };
  return {
      {"fully_connected", one(FullyConnected{5, Activation::kRelu})},
      {"fully_connected_no_bias", one(FullyConnected{3, Activation::kNone}, false)},
      {"batch_norm", one(BatchNorm{})},
      {"batch_norm_relu", then(BatchNorm{}, Relu{})},
      {"batch_norm_relu6", then(BatchNorm{}, Relu6{})},
      {"batch_norm_vector", then(GlobalAvgPool{}, BatchNorm{})},
      {"relu", one(Relu{})},
      {"relu6", one(Relu6{})},
      {"relu_twice", then(Relu{}, Relu6{})},
      {"avg_pool", one(AvgPool2D{{3, 2}, {2, 1}, {1, 1, 1, 0}})},
      {"max_pool", one(MaxPool2D{{2, 3}, {1, 2}, {1, 0, 1, 1}})},
      {"global_avg_pool", one(GlobalAvgPool{})},
      {"flatten", one(Flatten{})},
      {"reshape", then(Reshape{{5, 7, 6}}, BatchNorm{})},
      {"dropout", one(Dropout{0.3f})},
      {"softmax", one(Softmax{})},
      {"add_twice",
       [](GraphBuilder& g, Tensor x) {
         return g.add(Add{}, {x, x}, "tested");
       }},
      {"add_relu",
       [](GraphBuilder& g, Tensor x) {
         const Tensor y = g.add(BatchNorm{}, {x}, "norm");
         return g.add(Add{Activation::kRelu6}, {x, y}, "tested");
       }},
      {"concat",
       [](GraphBuilder& g, Tensor x) {
         const Tensor y = g.add(conv(3, {1, 1}, {1, 1}, {1, 1}, {}), {x}, "branch");
         return g.add(Concat{}, {y, x, y, x}, "tested");
       }},
      {"unused_branch",
       [](GraphBuilder& g, Tensor x) {
         g.add(conv(3, {1, 1}, {1, 1}, {1, 1}, {}), {x}, "unused");
         return g.add(Relu{}, {x}, "tested");
       }},
  };
}

// input [7, 5, 2] -> 1x1 convolution to 6 channels -> the op -> classifier. With `two_readers` the
// classifier also reads the op's input.
Graph embed(const Case& test, bool two_readers) {
  GraphBuilder g("gradient", {7, 5, 2}, 5);
  const Tensor x = g.add(conv(6, {1, 1}, {1, 1}, {1, 1}, {}), {g.input()}, "before");
  Tensor y = g.add(Flatten{}, {test.build(g, x)}, "flat");
  if (two_readers) y = g.add(Concat{}, {y, g.add(Flatten{}, {x}, "flat_x")}, "joined");
  y = g.add(FullyConnected{3, Activation::kNone}, {y}, "classifier");
  auto graph = std::move(g).finish(g.add(Softmax{}, {y}, "output"));
  EXPECT_TRUE(graph.ok()) << test.name << ": " << (graph.ok() ? "" : graph.error().message);
  return std::move(graph).value();
}

class GradientCheck {
 public:
  GradientCheck(const Graph& graph, Isa isa)
      : parameters_(graph),
        network_(graph, parameters_, kernels_for(isa), {kBatch, Mode::kTraining, 0.1f}),
        pool_(1) {
    Random random(9, "gradient");
    for (int i = 0; i < kBatch; ++i) {
      for (float& value : network_.input(i)) value = random.uniform(-1.5f, 1.5f);
      labels_.push_back(static_cast<int>(random.below(3)));
    }
    for (int64_t i = 0; i < parameters_.trainable(); ++i) {
      parameters_.values()[i] += random.uniform(-0.2f, 0.2f);
    }
  }

  // Compares up to `limit` elements of each parameter.
  void run(const std::string& name, int64_t limit) {
    center_ = loss();
    std::vector<float> analytic(static_cast<size_t>(parameters_.trainable()), 0.0f);
    for (int lane = 0; lane < network_.gradients().count; ++lane) {
      for (size_t i = 0; i < analytic.size(); ++i) {
        analytic[i] += network_.gradients().lane(lane)[i];
      }
    }
    for (const auto& range : parameters_.ranges()) {
      if (range.offset >= parameters_.trainable()) continue;
      const int64_t step = std::max<int64_t>(1, range.size / limit);
      for (int64_t i = range.offset; i < range.offset + range.size; i += step) {
        compare(name, i, analytic[static_cast<size_t>(i)]);
      }
    }
    EXPECT_GT(sharp_, checked_ / 2) << name << ": the differences say too little";
  }

 private:
  static constexpr int kBatch = 5;

  double loss() { return network_.train(pool_, labels_, StepState{}).loss / kBatch; }

  // The central difference, and by how much the forward one exceeds the backward one.
  struct Difference {
    double central = 0, bend = 0;
  };
  Difference difference(int64_t i, float h) {
    float& value = parameters_.values()[i];
    const float before = value;
    value = before + h;
    const double above = loss(), up = static_cast<double>(value) - before;
    value = before - h;
    const double below = loss(), down = static_cast<double>(before) - value;
    value = before;
    return {(above - below) / (up + down), (above - center_) / up - (center_ - below) / down};
  }

  // Two steps tell the error of a difference where the loss is smooth (order h^2); where a clamp or
  // a maximum switches nearby, the bend does not shrink with h as a smooth one would. Rounding of
  // the loss adds epsilon * loss / h, times the root of the number of terms in a logit.
  void compare(const std::string& name, int64_t i, float analytic) {
    constexpr float kStep = 1.0f / 128;
    const Difference narrow = difference(i, kStep), wide = difference(i, 2 * kStep);
    const double rounding = 16 * std::numeric_limits<float>::epsilon() / kStep;
    const double smooth = std::fabs(wide.central - narrow.central);
    const double kink = std::fabs(2 * narrow.bend - wide.bend);
    const double tolerance = 2 * (smooth + kink) + rounding;
    ++checked_;
    if (tolerance > 6e-3 * (0.1 + std::fabs(narrow.central))) return;  // Says nothing.
    ++sharp_;
    ASSERT_NEAR(analytic, narrow.central, tolerance) << name << ", parameter " << i;
  }

  ParameterStore parameters_;
  Network network_;
  ThreadPool pool_;
  std::vector<int> labels_;
  double center_ = 0;
  int checked_ = 0, sharp_ = 0;
};

void check_all(const std::vector<Case>& cases) {
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
    if (!isa_supported(isa)) continue;
    for (const auto& test : cases) {
      for (const bool two_readers : {false, true}) {
        const Graph graph = embed(test, two_readers);
        GradientCheck(graph, isa)
            .run(test.name + " " + std::string(isa_name(isa)) + (two_readers ? " two readers" : ""),
                 40);
      }
    }
  }
}

TEST(Gradient, Convolutions) { check_all(convolutions()); }
TEST(Gradient, OtherOps) { check_all(others()); }

// Random chains with residual and concatenated branches. Without clamps, so that nearly every
// difference is sharp.
TEST(Gradient, RandomGraphs) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed, "graph");
    GraphBuilder g("random", {6, 6, 3}, seed);
    Tensor x = g.add(conv(4, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}), {g.input()}, "first");
    for (int n = 0; n < 4; ++n) {
      const std::string name = "n" + std::to_string(n);
      const Tensor y = g.add(conv(4, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}), {x}, name);
      switch (random.below(5)) {
        case 0:
          x = g.add(Add{}, {x, y}, name + "b");
          break;
        case 1:
          x = g.add(BatchNorm{}, {y}, name + "b");
          break;
        case 2: {
          const Tensor both = g.add(Concat{}, {y, x}, name + "b");
          x = g.add(conv(4, {1, 1}, {1, 1}, {1, 1}, {}), {both}, name + "c");
          break;
        }
        case 3:
          x = g.add(depthwise(1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}), {y}, name + "b");
          x = g.add(Dropout{0.2f}, {x}, name + "c");
          break;
        default:
          x = g.add(Add{}, {g.add(Softmax{}, {y}, name + "b"), x}, name + "c");
      }
    }
    x = g.add(GlobalAvgPool{}, {x}, "pool");
    x = g.add(FullyConnected{3, Activation::kNone}, {x}, "classifier");
    const Graph graph = std::move(g).finish(x).value();
    GradientCheck(graph, *active_isa()).run("seed " + std::to_string(seed), 6);
  }
}

}  // namespace
}  // namespace coppice::train
