#include "coppice/prune/shared_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "coppice/graph/builder.h"
#include "coppice/prune/prune.h"
#include "train/memory_dataset.h"

namespace coppice::prune {
namespace {

Graph linear(int inputs, std::vector<float> weights) {
  GraphBuilder builder("linear", {inputs}, 1);
  const auto outputs = static_cast<int>(weights.size()) / inputs;
  const auto y = builder.add(FullyConnected{outputs, Activation::kNone}, {builder.input()}, "fc");
  Graph graph = std::move(builder).finish(y).value();
  graph.nodes[0].parameters[0].value = std::move(weights);
  return graph;
}

TEST(Unify, BlocksTakeTheMeanMagnitude) {
  Graph graph = linear(4, {1, -3, 2, 2, -4, 0, 8, 6});
  graph.nodes[0].parameters[0].mask = {1, 1, 1, 1, 1, 0, 1, 1};
  UnifyOptions options;
  options.block = "block:1x4";
  ASSERT_TRUE(unify(graph, options).ok());
  EXPECT_EQ(graph.nodes[0].parameters[0].value, (std::vector<float>{2, -2, 2, 2, -6, 0, 6, 6}));
}

// The block whose magnitudes differ least is unified first.
TEST(Unify, ShareTakesTheCheapestBlocks) {
  Graph graph = linear(4, {1, -3, 2, 2, -4, 1, 8, 6});
  UnifyOptions options;
  options.share = 0.5;
  ASSERT_TRUE(unify(graph, options).ok());
  EXPECT_EQ(graph.nodes[0].parameters[0].value, (std::vector<float>{2, -2, 2, 2, -4, 1, 8, 6}));
}

TEST(Cluster, FindsTheGroupsOfValues) {
  Graph graph = linear(4, {1.0f, 1.2f, -5, 3, 0, 3.2f, -5.2f, 0.8f});
  graph.nodes[0].parameters[0].mask = {1, 1, 1, 1, 0, 1, 1, 1};
  ClusterOptions options;
  options.clusters = 3;
  ASSERT_TRUE(cluster(graph, options).ok());
  const auto& values = graph.nodes[0].parameters[0].value;
  const std::vector<float> expected = {1, 1, -5.1f, 3.1f, 0, 3.1f, -5.1f, 1};
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-6);
}

TEST(Cluster, OneCodebookAChannel) {
  Graph graph = linear(3, {1, 2, 3, 10, 20, 30});
  ClusterOptions options;
  options.clusters = 1;
  options.per_channel = true;
  ASSERT_TRUE(cluster(graph, options).ok());
  EXPECT_EQ(graph.nodes[0].parameters[0].value, (std::vector<float>{2, 2, 2, 20, 20, 20}));
}

// Pruned, then clustered or unified, then trained: zeros stay zero, shared values stay shared, and
// they move.
TEST(SharedValues, TrainingKeepsThem) {
  const auto data = testing::blobs({6}, 3, 60, 30, 0.3f, 2);
  GraphBuilder g("net", {6}, 3);
  auto x = g.add(FullyConnected{8, Activation::kRelu}, {g.input()}, "hidden");
  x = g.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  Graph dense = std::move(g).finish(x).value();
  PruneOptions pruning;
  ASSERT_TRUE(apply(dense, pruning).ok());
  train::TrainOptions training;
  training.epochs = 40;
  training.batch_size = 10;
  training.learning_rate = 0.03f;
  for (const bool clusters : {true, false}) {
    Graph graph = dense;
    const auto layers = clusters ? cluster(graph, {.clusters = 4}) : unify(graph, {});
    ASSERT_TRUE(layers.ok());
    const Graph before = graph;
    ASSERT_TRUE(train_shared(graph, data, *layers, training).ok());
    for (size_t n = 0; n < 2; ++n) {
      const Parameter& weight = graph.nodes[n].parameters[0];
      EXPECT_NE(weight.value, before.nodes[n].parameters[0].value);
      std::set<float> distinct;
      for (size_t i = 0; i < weight.value.size(); ++i) {
        if (weight.mask[i] == 0) {
          EXPECT_EQ(weight.value[i], 0.0f);
        } else {
          distinct.insert(clusters ? weight.value[i] : std::fabs(weight.value[i]));
        }
      }
      EXPECT_LE(distinct.size(), clusters ? 4u : 1 + weight.value.size() / 3);
    }
    const auto accuracy = train::evaluate(graph, data, data::Split::kValidation);
    EXPECT_GT(accuracy->accuracy(), 0.6);  // Chance is a third.
  }
}

TEST(SharedValues, ErrorsNameTheOption) {
  Graph graph = linear(4, {1, 2, 3, 4});
  EXPECT_NE(cluster(graph, {.clusters = 0}).error().message.find("clusters"), std::string::npos);
  UnifyOptions options;
  options.block = "2:4";
  EXPECT_NE(unify(graph, options).error().message.find("2:4"), std::string::npos);
  options = {};
  options.layers = {"x"};
  EXPECT_NE(unify(graph, options).error().message.find("matches no layer"), std::string::npos);
}

}  // namespace
}  // namespace coppice::prune
