// Channels that are removed: the small network computes what the masked one does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "bounded_forward.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/builder.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/dependency.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "coppice/prune/prune.h"
#include "coppice/quant/quantize.h"
#include "random_graph.h"
#include "train/memory_dataset.h"

namespace coppice::prune {
namespace {

using testing::describe;
using testing::random_graph;
using testing::random_input;

std::vector<float> to_float(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

PruneOptions random_options(uint64_t seed) {
  Random random(seed, "options");
  PruneOptions options;
  options.granularity = "channel";
  options.criterion = seed % 3 == 0 ? "random" : seed % 3 == 1 ? "magnitude_l2" : "fpgm";
  options.scope = seed % 2 == 0 ? "local" : "global";
  options.cost = seed % 4 == 1 ? "macs" : "none";
  options.sparsity = random.uniform(0.1f, 0.9f);
  options.protect_first_last = random.below(2) == 0;
  options.round_to = random.below(3) == 0 ? 2 : 1;
  options.seed = seed;
  return options;
}

// What the executor computes for both graphs, each within its own bound of the exact value.
void expect_same_floats(const Graph& masked, const Graph& removed, uint64_t seed) {
  const auto input = to_float(random_input(masked, seed));
  const std::vector<double> exact(input.begin(), input.end());
  const Graph fused_masked = fuse_for_inference(masked).value();
  const Graph fused_removed = fuse_for_inference(removed).value();
  const testing::Rounding32 rounding{.weights = false, .arithmetic = true};
  const auto a = testing::BoundedForward(fused_masked, rounding).run(exact);
  const auto b = testing::BoundedForward(fused_removed, rounding).run(exact);
  const auto masked_plan = exec::compile(masked).value();
  const auto removed_plan = exec::compile(removed).value();
  std::vector<float> y(a.size()), z(a.size());
  masked_plan->run(input, y);
  removed_plan->run(input, z);
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(a[i].value, b[i].value, 1e-9 * (1 + std::fabs(a[i].value)));
    ASSERT_NEAR(y[i], z[i], a[i].error + b[i].error);
  }
}

void expect_same_integers(const Graph& masked, const Graph& removed, uint64_t seed) {
  std::vector<std::vector<float>> samples;
  for (uint64_t i = 0; i < 3; ++i) samples.push_back(to_float(random_input(masked, 100 + i)));
  quant::QuantizeOptions options;
  options.weight_bits = seed % 5 == 0 ? 4 : 8;
  options.per_channel = seed % 3 != 0;
  const auto a = quant::quantize(masked, samples, options);
  const auto b = quant::quantize(removed, samples, options);
  ASSERT_TRUE(a.ok() && b.ok());
  const auto masked_plan = exec::compile(*a).value();
  const auto removed_plan = exec::compile(*b).value();
  Random random(seed, "bytes");
  std::vector<int8_t> x(static_cast<size_t>(masked.input_shape().elements()));
  for (auto& value : x) value = static_cast<int8_t>(static_cast<int>(random.below(256)) - 128);
  std::vector<int8_t> y(static_cast<size_t>(masked.output_shape().elements())), z(y);
  masked_plan->run_int8(x, y);
  removed_plan->run_int8(x, z);
  ASSERT_EQ(y, z);
}

TEST(Channels, RandomGraphsComputeWhatTheMaskedOnesDo) {
  int checked = 0, removed_channels = 0, refused = 0, smaller_groups = 0;
  for (uint64_t seed = 0; checked < 500; ++seed) {
    ASSERT_LT(seed, 700u);
    const Graph graph = random_graph(seed);
    SCOPED_TRACE(describe(graph));
    PruneOptions options = random_options(seed);
    Graph removed = graph, masked = graph;
    const auto report = apply(removed, options);
    if (!report.ok()) {  // Nothing but fixed channels.
      ASSERT_NE(report.error().message.find("no layer is left"), std::string::npos);
      ++refused;
      continue;
    }
    options.remove_channels = false;
    ASSERT_TRUE(apply(masked, options).ok());
    ASSERT_TRUE(validate(removed).ok()) << validate(removed).error().message;
    for (size_t t = 0; t < graph.tensors.size(); ++t) {
      removed_channels += graph.tensors[t].shape.back() - removed.tensors[t].shape.back();
    }
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const auto* conv = std::get_if<Conv2D>(&removed.nodes[n].op);
      if (conv == nullptr || conv->groups == 1) continue;
      smaller_groups +=
          removed.nodes[n].parameter("weight")->shape != graph.nodes[n].parameter("weight")->shape;
    }
    expect_same_floats(masked, removed, seed);
    expect_same_integers(masked, removed, seed);
    if (::testing::Test::HasFatalFailure()) return;
    // Removing what is masked gives the same graph.
    const auto late = remove_masked_channels(masked);
    ASSERT_TRUE(late.ok()) << late.error().message;
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      for (size_t p = 0; p < graph.nodes[n].parameters.size(); ++p) {
        ASSERT_EQ(masked.nodes[n].parameters[p].value, removed.nodes[n].parameters[p].value);
      }
    }
    ++checked;
  }
  EXPECT_GT(removed_channels, 5000);
  EXPECT_GT(smaller_groups, 20);
  EXPECT_LT(refused, 200);
}

// Counts of channels that are kept, by producing layer.
std::vector<int> channels_kept(const Graph& graph, const std::vector<std::string>& layers) {
  std::vector<int> result;
  for (const auto& name : layers) {
    result.push_back(graph.tensors[static_cast<size_t>(graph.find(name)->output)].shape.back());
  }
  return result;
}

TEST(Channels, CountsRoundingAndMinimum) {
  const Graph graph = make_zoo_model("ds_cnn", {}, 0, 4).value();
  const std::vector<std::string> layers = {"conv_1", "pointwise_2", "depthwise_3", "pointwise_5"};
  PruneOptions options;
  options.granularity = "channel";
  options.sparsity = 0.55;  // 35 of 64 go, 29 stay.
  Graph pruned = graph;
  const auto report = apply(pruned, options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(channels_kept(pruned, layers), (std::vector<int>{64, 29, 29, 29}));
  EXPECT_NEAR(report->sparsity_achieved, 35.0 / 64, 1e-12);
  options.protect_first_last = false;
  options.round_to = 8;
  pruned = graph;
  ASSERT_TRUE(apply(pruned, options).ok());
  EXPECT_EQ(channels_kept(pruned, layers), (std::vector<int>{32, 32, 32, 32}));
  options.sparsity = 0.99;
  options.min_channels = 11;
  options.round_to = 1;
  pruned = graph;
  ASSERT_TRUE(apply(pruned, options).ok());
  EXPECT_EQ(channels_kept(pruned, layers), (std::vector<int>{11, 11, 11, 11}));
  options.skip = {"op:depthwise_conv2d"};  // What it follows stays whole.
  pruned = graph;
  ASSERT_TRUE(apply(pruned, options).ok());
  EXPECT_EQ(channels_kept(pruned, layers), (std::vector<int>{64, 64, 64, 11}));
  options.skip = {};
  options.layers = {"pointwise_2"};
  pruned = graph;
  ASSERT_TRUE(apply(pruned, options).ok());
  EXPECT_EQ(channels_kept(pruned, layers), (std::vector<int>{64, 11, 11, 64}));
}

// Layers that share channels are asked together: "a" would drop channel 0, "b" strongly disagrees.
TEST(Channels, ImportanceIsThatOfTheWholeGroup) {
  GraphBuilder builder("residual", {2, 2, 2}, 1);
  Conv2D conv;
  conv.out_channels = 3;
  const auto a = builder.add(conv, {builder.input()}, "a");
  const auto b = builder.add(conv, {a}, "b", false);
  const auto sum = builder.add(Add{}, {a, b}, "sum");
  const auto y = builder.add(FullyConnected{2, Activation::kNone}, {sum}, "fc");
  Graph graph = std::move(builder).finish(y).value();
  graph.find("a")->parameter("weight")->value = {1, 1, 2, 2, 3, 3};           // 2, 4, 6
  graph.find("b")->parameter("weight")->value = {9, 0, 0, 0, 1, 0, 0, 0, 2};  // 9, 1, 2
  PruneOptions options;
  options.granularity = "channel";
  options.sparsity = 0.34;
  options.protect_first_last = false;
  for (const char* reduction : {"mean", "sum"}) {  // 0.5 + 2.25, 1 + 0.25, 1.5 + 0.5
    options.group_reduction = reduction;
    Graph pruned = graph;
    ASSERT_TRUE(apply(pruned, options).ok());
    EXPECT_EQ(pruned.find("a")->parameter("weight")->value, (std::vector<float>{1, 1, 3, 3}));
    EXPECT_EQ(pruned.find("b")->parameter("weight")->value, (std::vector<float>{9, 0, 0, 2}));
  }
}

TEST(Channels, ProtectedLayersAreAnErrorWhenNothingElseIsThere) {
  Graph graph = make_zoo_model("tiny_conv", {}, 0, 4).value();
  PruneOptions options;
  options.granularity = "channel";
  const auto report = apply(graph, options);
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message.find("protect_first_last"), std::string::npos);
  options.protect_first_last = false;
  ASSERT_TRUE(apply(graph, options).ok());
  EXPECT_EQ(channels_kept(graph, {"conv_1"}), std::vector<int>{4});
}

TEST(Channels, DeadOnesAreFoundAndRemoved) {
  GraphBuilder builder("dead", {3, 3, 2}, 6);
  Conv2D conv;
  conv.out_channels = 6;
  auto x = builder.add(conv, {builder.input()}, "conv");
  x = builder.add(Relu{}, {x}, "relu");
  x = builder.add(DepthwiseConv2D{}, {x}, "dw", false);
  x = builder.add(FullyConnected{5, Activation::kRelu}, {x}, "hidden");
  x = builder.add(FullyConnected{2, Activation::kNone}, {x}, "fc");
  Graph graph = std::move(builder).finish(x).value();
  auto& bias = graph.find("conv")->parameter("bias")->value;
  bias[1] = bias[4] = -1000;  // Never above zero.
  graph.find("hidden")->parameter("bias")->value[2] = -1e6f;
  const auto dataset = testing::blobs({3, 3, 2}, 2, 40, 4, 0.5f, 3);
  Graph smaller = graph;
  const auto report = remove_dead_channels(smaller, dataset, 40, 1);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->channels, 11);
  EXPECT_GE(report->removed, 3);
  EXPECT_LE(channels_kept(smaller, {"conv", "hidden"})[0], 4);
  const auto before = exec::compile(graph).value();
  const auto after = exec::compile(smaller).value();
  std::vector<float> sample(18), y(2), z(2);
  for (int i = 0; i < 40; ++i) {
    dataset.sample(data::Split::kTrain, i, 0, sample);
    before->run(sample, y);
    after->run(sample, z);
    for (size_t k = 0; k < 2; ++k) EXPECT_NEAR(y[k], z[k], 1e-4 * (1 + std::fabs(y[k])));
  }
}

}  // namespace
}  // namespace coppice::prune
