// Every criterion against scores computed by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "coppice/core/random.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/builder.h"
#include "coppice/prune/prune.h"
#include "coppice/prune/registry.h"
#include "prune/criterion.h"
#include "train/memory_dataset.h"

namespace coppice::prune {
namespace {

using Values = std::vector<double>;

Graph linear(int inputs, std::vector<float> weights) {
  GraphBuilder builder("linear", {inputs}, 1);
  const auto outputs = static_cast<int>(weights.size()) / inputs;
  const auto y =
      builder.add(FullyConnected{outputs, Activation::kNone}, {builder.input()}, "fc", false);
  Graph graph = std::move(builder).finish(y).value();
  graph.nodes[0].parameters[0].value = std::move(weights);
  return graph;
}

train::SampleSet samples(const Shape& shape, std::vector<float> values, std::vector<int> labels) {
  return {shape, std::move(values), std::move(labels)};
}

Values scores(const char* name, const Graph& graph, const train::SampleSet& set, size_t node = 0,
              const char* granularity = "weight") {
  const auto entry = find_criterion(name);
  EXPECT_TRUE(entry.ok()) << name;
  const auto criterion = (*entry)->make();
  const Evidence evidence{&set, 5, 1};
  const Status prepared = criterion->prepare(graph, evidence);
  EXPECT_TRUE(prepared.ok()) << prepared.error().message;
  const auto parsed = Granularity::parse(granularity);
  return criterion->scores(graph, node,
                           parsed->partition(graph.nodes[node], weight_of(graph, node)));
}

void expect_near(const Values& actual, const Values& expected, double relative = 1e-6) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], relative * std::max(std::fabs(expected[i]), 1e-3)) << i;
  }
}

TEST(Criteria, Magnitudes) {
  const Graph graph = linear(4, {3, -4, 1, 0, -2, 2, 1, -1});
  expect_near(scores("magnitude_l1", graph, {}, 0, "channel"), {8, 6});
  expect_near(scores("magnitude_l2", graph, {}, 0, "channel"), {std::sqrt(26), std::sqrt(10)});
  expect_near(scores("magnitude_linf", graph, {}, 0, "channel"), {4, 2});
  expect_near(scores("magnitude_l1", graph, {}, 0, "vector:1x2"), {7, 1, 4, 2});
  expect_near(scores("magnitude_linf", graph, {}), {3, 4, 1, 0, 2, 2, 1, 1});
}

TEST(Criteria, RandomDependsOnSeedAndLayerAlone) {
  const Graph graph = linear(4, {3, -4, 1, 0, -2, 2, 1, -1});
  const Values first = scores("random", graph, {});
  EXPECT_EQ(first, scores("random", linear(4, {1, 1, 1, 1, 1, 1, 1, 1}), {}));
  Random random(5, "prune/fc");
  for (const double score : first) EXPECT_EQ(score, double{random.uniform()});
}

TEST(Criteria, Lamp) {
  expect_near(scores("lamp", linear(3, {1, -3, 2}), {}), {1.0 / 14, 1.0, 4.0 / 13});
}

// Both outputs of a linear layer are equal, so each class has probability 1/2 and the gradient of
// W[o][i] is (1/2 - [o is the label]) x_i. Two samples: (1, 3) of class 0, (2, -1) of class 1.
struct Half {
  Graph graph = linear(2, {1, 2, 1, 2});
  train::SampleSet set = samples({2}, {1, 3, 2, -1}, {0, 1});
  // By sample: g w = {-1/2, -3, 1/2, 3} and {1, -1, -1, 1}; their mean {1/4, -2, -1/4, 2}.
};

TEST(Criteria, FirstOrder) {
  const Half half;
  expect_near(scores("snip", half.graph, half.set), {0.25, 2, 0.25, 2});
  expect_near(scores("taylor_signed", half.graph, half.set), {-0.25, 2, 0.25, -2});
  expect_near(scores("taylor_squared", half.graph, half.set), {0.0625, 4, 0.0625, 4});
  // A group: the sum comes before the square, but after the magnitude.
  expect_near(scores("snip", half.graph, half.set, 0, "channel"), {2.25, 2.25});
  expect_near(scores("taylor_signed", half.graph, half.set, 0, "channel"), {1.75, -1.75});
  expect_near(scores("taylor_squared", half.graph, half.set, 0, "channel"), {3.0625, 3.0625});
}

TEST(Criteria, Fisher) {
  const Half half;
  // (0.25 + 1) / 4, (9 + 1) / 4 for single weights; ((-3.5)^2 + 0^2) / 4 for a row.
  expect_near(scores("fisher", half.graph, half.set), {0.3125, 2.5, 0.3125, 2.5});
  expect_near(scores("fisher", half.graph, half.set, 0, "channel"), {3.0625, 3.0625});
}

// One input x = 2, both weights 1, label 0: g = x (-1/2, 1/2), H = x^2 / 4 ((1, -1), (-1, 1)).
TEST(Criteria, SecondOrder) {
  const Graph graph = linear(1, {1, 1});
  const auto set = samples({1}, {2}, {0});
  // w (H g) = x^3 / 4 (-1, 1). The difference quotient has an error of 1e-3 at most.
  expect_near(scores("grasp", graph, set), {-2, 2}, 2e-3);
  // h w^2 / 2 = x^2 / 8 = 1/2, seen through sixteen random signs: h (1 - mean of z0 z1).
  double mean = 0;
  for (uint64_t probe = 0; probe < 16; ++probe) {
    Random random(5, "obd", probe);
    const double z0 = (random.bits() & 1) != 0 ? 1 : -1, z1 = (random.bits() & 1) != 0 ? 1 : -1;
    mean += z0 * z1 / 16;
  }
  ASSERT_LT(std::fabs(mean), 0.8);
  expect_near(scores("obd", graph, set), {0.5 * (1 - mean), 0.5 * (1 - mean)}, 2e-3);
}

// Weights hardly move along the way: two passes of one batch count -g w twice.
TEST(Criteria, Movement) {
  const Half half;
  expect_near(scores("movement", half.graph, half.set), {-0.5, 4, 0.5, -4}, 0.02);
}

// |W1| = ((1, 2), (3, 4)) on ones gives (3, 7); |W2| = ((1, 1), (2, 1)): R = 3 * 3 + 2 * 7 = 23.
TEST(Criteria, SynFlowIsConservedInEachLayer) {
  GraphBuilder builder("two", {2}, 1);
  auto x = builder.add(FullyConnected{2, Activation::kRelu6}, {builder.input()}, "a");
  x = builder.add(FullyConnected{2, Activation::kNone}, {x}, "b");
  Graph graph = std::move(builder).finish(x).value();
  graph.find("a")->parameter("weight")->value = {1, -2, 3, 4};
  graph.find("a")->parameter("bias")->value = {5, -5};
  graph.find("b")->parameter("weight")->value = {1, -1, 2, 1};
  expect_near(scores("synflow", graph, {}, 0), {3, 6, 6, 8});
  expect_near(scores("synflow", graph, {}, 1), {3, 7, 6, 7});
}

TEST(Criteria, GeometricMedian) {
  const Graph graph = linear(2, {0, 0, 3, 4, 0, 1});
  const double third = std::sqrt(18.0);
  expect_near(scores("fpgm", graph, {}, 0, "channel"), {6, 5 + third, 1 + third});
}

// A 1x1 convolution with batch norm and ReLU on a 1x2 image.
Graph normed() {
  GraphBuilder builder("normed", {1, 2, 1}, 1);
  Conv2D conv;
  conv.out_channels = 3;
  auto x = builder.add(conv, {builder.input()}, "conv", false);
  x = builder.add(BatchNorm{0.0f, 0.9f}, {x}, "norm");
  x = builder.add(Relu{}, {x}, "relu");
  x = builder.add(FullyConnected{2, Activation::kNone}, {x}, "fc");
  Graph graph = std::move(builder).finish(x).value();
  graph.find("conv")->parameter("weight")->value = {1, -2, 3};
  graph.find("norm")->parameter("gamma")->value = {0.5f, -1, 2};
  return graph;
}

TEST(Criteria, ChannelStatistics) {
  const Graph graph = normed();
  const auto set = samples({1, 2, 1}, {1, -1, 2, 0}, {0, 0});
  expect_near(scores("bn_scale", graph, set, 0, "channel"), {0.5, 1, 2});
  // Outputs by channel: relu of x/2, 2x, 6x for x in {1, -1, 2, 0}.
  expect_near(scores("apoz", graph, set, 0, "channel"), {0.5, 0.5, 0.5});
  expect_near(scores("activation_mean", graph, set, 0, "channel"), {0.375, 1.5, 4.5});
  // Without a batch norm: mean |w|, and the outputs themselves.
  const Values scale = scores("bn_scale", graph, set, 3, "channel");
  const auto& w = graph.find("fc")->parameter("weight")->value;
  double sum = 0;
  for (size_t i = 0; i < 6; ++i) sum += std::fabs(w[i]);
  EXPECT_NEAR(scale[0], sum / 6, 1e-6);
}

// X = (1, 1), (1, -1), (2, 0): H = ((2, 0), (0, 2/3)) + a hundredth of the mean diagonal 4/3.
TEST(Criteria, OptimalBrainSurgeonByHand) {
  const double damp = 0.01 * 4.0 / 3;
  const Graph graph = linear(2, {1, 3});
  const auto set = samples({2}, {1, 1, 1, -1, 2, 0}, {0, 0, 0});
  expect_near(scores("obs", graph, set), {0.5 * (2 + damp), 0.5 * 9 * (2.0 / 3 + damp)});
}

// Correlated inputs: H = ((1, 1), (1, 2)) + 0.015. Removing w1 = 3 moves w0 by H01 / H00 * w1.
TEST(Criteria, OptimalBrainSurgeonMovesWhatIsLeft) {
  const double damp = 0.015, determinant = (1 + damp) * (2 + damp) - 1;
  Graph graph = linear(2, {1, 0.5f});
  // Two samples (1, 2) and (1, 0).
  const auto set = samples({2}, {1, 2, 1, 0}, {0, 0});
  expect_near(scores("obs", graph, set),
              {0.5 * determinant / (2 + damp), 0.125 * determinant / (1 + damp)});
  expect_near(scores("obs", graph, set, 0, "channel"),
              {0.5 * (1 * (1 + damp) + 2 * 0.5 + 0.25 * (2 + damp))});
  testing::MemoryDataset dataset({2}, 1);
  dataset.add(data::Split::kTrain, {1, 2}, 0);
  dataset.add(data::Split::kTrain, {1, 0}, 0);
  PruneOptions options;
  options.criterion = "obs";
  const auto report = apply(graph, options, &dataset);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(graph.nodes[0].parameters[0].mask, (std::vector<uint8_t>{1, 0}));
  EXPECT_NEAR(graph.nodes[0].parameters[0].value[0], 1 + 0.5 / (1 + damp), 1e-6);
  EXPECT_EQ(graph.nodes[0].parameters[0].value[1], 0.0f);
}

// On any layer: the update beats zeroing alone, in the squared error of the layer's outputs.
TEST(Criteria, OptimalBrainSurgeonLowersTheLayersError) {
  DepthwiseConv2D depthwise;
  depthwise.kernel = {3, 3};
  depthwise.padding = {1, 1, 1, 1};
  depthwise.multiplier = 2;
  Conv2D grouped;
  grouped.out_channels = 6;
  grouped.kernel = {3, 2};
  grouped.stride = {2, 1};
  grouped.groups = 3;
  Conv2D conv = grouped;
  conv.groups = 1;
  conv.dilation = {1, 2};
  for (const Op& op : std::vector<Op>{conv, grouped, depthwise, FullyConnected{4, {}}}) {
    GraphBuilder builder("layer", {6, 7, 3}, 9);
    const auto y = builder.add(op, {builder.input()}, "layer");
    const Graph dense = std::move(builder).finish(y).value();
    SCOPED_TRACE(op_name(op));
    testing::MemoryDataset dataset({6, 7, 3}, 1);
    train::SampleSet set;
    set.shape = {6, 7, 3};
    for (uint64_t i = 0; i < 64; ++i) {
      Random random(i, "obs");
      std::vector<float> x(126);
      float last = 0;
      for (float& value : x) value = last = 0.7f * last + random.normal();  // Correlated.
      set.values.insert(set.values.end(), x.begin(), x.end());
      set.labels.push_back(0);
      dataset.add(data::Split::kTrain, std::move(x), 0);
    }
    PruneOptions options;
    options.criterion = "obs";
    options.sparsity = 0.4;
    Graph updated = dense;
    ASSERT_TRUE(apply(updated, options, &dataset).ok());
    Graph zeroed = dense;
    zeroed.nodes[0].parameters[0].mask = updated.nodes[0].parameters[0].mask;
    apply_mask(zeroed.nodes[0].parameters[0]);
    const auto error = [&](const Graph& graph) {
      const auto plan = exec::compile(graph).value();
      const auto reference = exec::compile(dense).value();
      std::vector<float> a(static_cast<size_t>(dense.output_shape().elements())), b(a);
      double sum = 0;
      for (int i = 0; i < set.size(); ++i) {
        plan->run(set.sample(i), a);
        reference->run(set.sample(i), b);
        for (size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
      }
      return sum;
    };
    EXPECT_LT(error(updated), 0.98 * error(zeroed));
  }
}

TEST(Criteria, AllRunOnALayerOfEachKind) {
  GraphBuilder builder("net", {6, 6, 3}, 2);
  Conv2D conv;
  conv.out_channels = 6;
  conv.kernel = {3, 3};
  auto x = builder.add(conv, {builder.input()}, "conv", false);
  x = builder.add(BatchNorm{}, {x}, "norm");
  x = builder.add(Relu{}, {x}, "relu");
  x = builder.add(DepthwiseConv2D{}, {x}, "depthwise");
  x = builder.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  const Graph graph = std::move(builder).finish(x).value();
  const auto dataset = testing::blobs({6, 6, 3}, 3, 30, 9, 0.5f, 1);
  for (const Listed& criterion : criteria()) {
    for (const char* granularity : {"weight", "block:2x2", "channel"}) {
      PruneOptions options;
      options.criterion = criterion.name;
      options.granularity = granularity;
      options.protect_first_last = false;
      options.calibration_samples = 20;
      Graph pruned = graph;
      const auto report = apply(pruned, options, &dataset);
      const bool channels_only =
          find_criterion(criterion.name).value()->make()->for_channels_only();
      if (channels_only && options.granularity != "channel") {
        ASSERT_FALSE(report.ok());
        EXPECT_NE(report.error().message.find("whole channels"), std::string::npos);
        continue;
      }
      ASSERT_TRUE(report.ok()) << criterion.name << ": " << report.error().message;
      // Half of the blocks: those at the end of a row of 27 are smaller.
      const double tolerance = options.granularity == "block:2x2" ? 0.1 : 0.01;
      EXPECT_NEAR(report->sparsity_achieved, 0.5, tolerance) << criterion.name << granularity;
    }
  }
}

TEST(Criteria, DataDrivenOnesAskForADataset) {
  Graph graph = linear(2, {1, 2, 3, 4});
  PruneOptions options;
  options.criterion = "snip";
  const auto report = apply(graph, options);
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message.find("needs a dataset"), std::string::npos);
}

}  // namespace
}  // namespace coppice::prune
