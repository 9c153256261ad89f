// How sparsity is shared out among layers: scopes, costs, rules.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/graph/builder.h"
#include "coppice/graph/zoo.h"
#include "coppice/prune/prune.h"
#include "coppice/prune/rules.h"
#include "coppice/train/fit.h"
#include "train/memory_dataset.h"

namespace coppice::prune {
namespace {

// Two fully connected layers of 8 weights each; those of "a" are a tenth of those of "b".
Graph two_layers() {
  GraphBuilder builder("two", {4}, 1);
  auto x = builder.add(FullyConnected{2, Activation::kRelu}, {builder.input()}, "a");
  x = builder.add(FullyConnected{4, Activation::kNone}, {x}, "b");
  Graph graph = std::move(builder).finish(x).value();
  graph.find("a")->parameter("weight")->value = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f};
  graph.find("b")->parameter("weight")->value = {1, 2, 3, 4, 5, 6, 7, 8};
  return graph;
}

int64_t kept(const Graph& graph, const char* layer) {
  const auto& mask = graph.find(layer)->parameter("weight")->mask;
  return std::count(mask.begin(), mask.end(), 1);
}

Graph pruned(const Graph& graph, const PruneOptions& options,
             const data::Dataset* dataset = nullptr) {
  Graph result = graph;
  const auto report = apply(result, options, dataset);
  EXPECT_TRUE(report.ok()) << report.error().message;
  return result;
}

TEST(Scope, GlobalRanksAllLayersAtOnce) {
  PruneOptions options;
  options.scope = "global";
  options.sparsity = 0.375;
  Graph graph = pruned(two_layers(), options);
  EXPECT_EQ(kept(graph, "a"), 2);
  EXPECT_EQ(kept(graph, "b"), 8);
  options.sparsity = 0.625;
  graph = pruned(two_layers(), options);
  EXPECT_EQ(kept(graph, "a"), 0);
  EXPECT_EQ(kept(graph, "b"), 6);
}

TEST(Scope, BoundsHoldAndTheRestIsTakenElsewhere) {
  PruneOptions options;
  options.scope = "global";
  options.sparsity = 0.5;
  options.max_sparsity = 0.75;
  Graph graph = pruned(two_layers(), options);
  EXPECT_EQ(kept(graph, "a"), 2);
  EXPECT_EQ(kept(graph, "b"), 6);
  options.max_sparsity = 1;
  options.rules = {"b min_sparsity=0.5"};
  graph = pruned(two_layers(), options);
  EXPECT_EQ(kept(graph, "a"), 4);
  EXPECT_EQ(kept(graph, "b"), 4);
  options.rules = {"* max_sparsity=0.25", "b sparsity=0.125"};
  graph = pruned(two_layers(), options);
  EXPECT_EQ(kept(graph, "a"), 6);
  EXPECT_EQ(kept(graph, "b"), 7);
}

// A weight of the convolution works on 16 pixels, one of the fully connected layer once.
TEST(Scope, CostsDivideScores) {
  GraphBuilder builder("cost", {4, 4, 1}, 1);
  Conv2D conv;
  conv.out_channels = 4;
  auto x = builder.add(conv, {builder.input()}, "conv");
  x = builder.add(GlobalAvgPool{}, {x}, "pool");
  x = builder.add(FullyConnected{1, Activation::kNone}, {x}, "fc");
  Graph graph = std::move(builder).finish(x).value();
  graph.find("conv")->parameter("weight")->value = {4, 5, 6, 7};
  graph.find("fc")->parameter("weight")->value = {1, 2, 3, 0.1f};
  PruneOptions options;
  options.scope = "global";
  for (const char* cost : {"none", "bytes"}) {
    options.cost = cost;
    EXPECT_EQ(kept(pruned(graph, options), "conv"), 4) << cost;
  }
  options.cost = "macs";  // 4/16 ... 7/16, against 1, 2, 3, 0.1
  EXPECT_EQ(kept(pruned(graph, options), "conv"), 1);
  EXPECT_EQ(kept(pruned(graph, options), "fc"), 3);
  options.cost = "microseconds";
  const Graph timed = pruned(graph, options);
  EXPECT_EQ(kept(timed, "conv") + kept(timed, "fc"), 4);
}

// Mean by byte: one group of four large weights against groups of one.
TEST(Scope, CostCountsTheSizeOfGroups) {
  PruneOptions options;
  options.scope = "global";
  options.granularity = "vector:1x4";
  options.cost = "bytes";
  options.sparsity = 0.25;
  const Graph graph = pruned(two_layers(), options);  // b has rows of 2: groups of 2.
  EXPECT_EQ(kept(graph, "a"), 4);
}

TEST(Scope, ErkGivesLargeLayersMoreSparsity) {
  for (const double sparsity : {0.5, 0.8, 0.95}) {
    PruneOptions options;
    options.scope = "erk";
    options.sparsity = sparsity;
    Graph graph = make_zoo_model("resnet8", {}, 0, 1).value();
    const auto report = apply(graph, options);
    ASSERT_TRUE(report.ok());
    EXPECT_NEAR(report->sparsity_achieved, sparsity, 1e-3);
    // Layers that are not full have a density in proportion to (o + i + h + w) / (o i h w).
    double scale = 0;
    for (const LayerSparsity& layer : report->layers) {
      const Shape& shape = graph.find(layer.layer)->parameter("weight")->shape;
      double sum = 0;
      for (const int size : shape) sum += size;
      if (shape.rank() == 2) sum += 2;  // A kernel of 1 x 1.
      const double unscaled = sum / static_cast<double>(shape.elements());
      const double density = static_cast<double>(layer.kept) / static_cast<double>(layer.weights);
      if (layer.kept == layer.weights) continue;
      if (scale == 0) scale = density / unscaled;
      EXPECT_NEAR(density / unscaled / scale, 1.0, 0.02) << layer.layer;
    }
    EXPECT_GT(scale, 0);
  }
}

TEST(Scope, RoundsReachTheSameCount) {
  PruneOptions options;
  options.sparsity = 0.75;
  for (const int rounds : {1, 3, 10}) {
    options.rounds = rounds;
    EXPECT_EQ(kept(pruned(two_layers(), options), "b"), 2);
  }
}

TEST(Scope, SensitivityReachesTheTarget) {
  const auto dataset = testing::blobs({6}, 3, 90, 60, 0.8f, 2);
  GraphBuilder builder("three", {6}, 3);
  auto x = builder.add(FullyConnected{12, Activation::kRelu}, {builder.input()}, "a");
  x = builder.add(FullyConnected{10, Activation::kRelu}, {x}, "b");
  x = builder.add(FullyConnected{3, Activation::kNone}, {x}, "c");
  Graph graph = std::move(builder).finish(x).value();
  train::TrainOptions training;
  training.epochs = 8;
  training.learning_rate = 0.01f;
  ASSERT_TRUE(train::fit(graph, dataset, training).ok());
  for (const char* metric : {"loss", "kl", "accuracy", "taylor", "fisher"}) {
    PruneOptions options;
    options.scope = "sensitivity";
    options.sensitivity_metric = metric;
    options.sparsity = 0.6;
    Graph result = graph;
    const auto report = apply(result, options, &dataset);
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_NEAR(report->sparsity_achieved, 0.6, 0.02) << metric;
  }
}

TEST(Rules, PatternsMeanNamesOrOperations) {
  Graph graph = make_zoo_model("ds_cnn", {}, 0, 5).value();
  PruneOptions options;
  options.rules = {"* sparsity=0.5", "op:depthwise_conv2d skip", "conv_1 sparsity=0.25", "fc skip",
                   "fc sparsity=0.75"};
  const auto report = apply(graph, options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  for (const LayerSparsity& layer : report->layers) {
    const double sparsity =
        1 - static_cast<double>(layer.kept) / static_cast<double>(layer.weights);
    const double expected = layer.layer == "conv_1" ? 0.25 : layer.layer == "fc" ? 0.75 : 0.5;
    EXPECT_NEAR(sparsity, expected, 1e-3) << layer.layer;
    EXPECT_EQ(layer.layer.find("depthwise"), std::string::npos);
  }
}

TEST(Rules, ErrorsSayWhatIsExpected) {
  for (const char* text : {"", "conv_1", "conv_1 sparsity", "conv_1 sparsity=", "conv_1 sparsity=1",
                           "conv_1 sparsity=x", "conv_1 sparse=0.5", "conv_1 skip sparsity=-0.1"}) {
    const auto rule = parse_rule(text);
    ASSERT_FALSE(rule.ok()) << text;
    EXPECT_NE(rule.error().message.find("max_sparsity"), std::string::npos);
  }
  Graph graph = two_layers();
  PruneOptions options;
  options.rules = {"convv skip"};
  EXPECT_NE(apply(graph, options).error().message.find("matches no layer"), std::string::npos);
  options.rules = {"a min_sparsity=0.5 max_sparsity=0.25"};
  EXPECT_NE(apply(graph, options).error().message.find("above max_sparsity"), std::string::npos);
  options.rules = {};
  options.scope = "global";
  options.granularity = "2:4";
  EXPECT_NE(apply(graph, options).error().message.find("cannot be ranked"), std::string::npos);
}

}  // namespace
}  // namespace coppice::prune
