#include "coppice/graph/dependency.h"

#include <gtest/gtest.h>

#include "coppice/graph/builder.h"
#include "coppice/graph/zoo.h"

namespace coppice {
namespace {

Conv2D conv(int out, int kernel = 1) {
  Conv2D op;
  op.out_channels = out;
  op.kernel = {kernel, kernel};
  op.padding = same_padding({4, 4}, op.kernel, op.stride);
  return op;
}

// The groups of channels that may go, each as "size: producers".
std::vector<std::string> free_groups(const Graph& graph) {
  std::vector<std::string> texts;
  const auto dependencies = channel_dependencies(graph);
  for (const ChannelGroup& group : dependencies.groups) {
    if (!group.fixed_by.empty()) continue;
    std::string text = std::to_string(group.sets.size()) + ":";
    for (const size_t node : group.producers) text += " " + graph.nodes[node].name;
    texts.push_back(text);
  }
  return texts;
}

using Groups = std::vector<std::string>;

TEST(Dependency, ChainWithDepthwiseAndFlatten) {
  GraphBuilder g("chain", {4, 4, 3}, 1);
  auto x = g.add(conv(5), {g.input()}, "a");
  x = g.add(BatchNorm{}, {x}, "norm");
  x = g.add(Relu{}, {x}, "relu");
  DepthwiseConv2D depthwise;
  depthwise.multiplier = 2;
  x = g.add(depthwise, {x}, "dw");
  x = g.add(Flatten{}, {x}, "flat");
  x = g.add(FullyConnected{7, Activation::kRelu}, {x}, "b");
  x = g.add(FullyConnected{2, Activation::kNone}, {x}, "c");
  const Graph graph = std::move(g).finish(x).value();
  EXPECT_EQ(free_groups(graph), (Groups{"5: a dw", "7: b"}));

  const auto dependencies = channel_dependencies(graph);
  std::vector<bool> removed(dependencies.sets.size(), false);
  const int out_of_a = graph.find("a")->output;
  removed[static_cast<size_t>(dependencies.set_of[static_cast<size_t>(out_of_a)][1])] = true;
  const auto smaller = remove_channels(graph, dependencies, removed);
  ASSERT_TRUE(smaller.ok()) << smaller.error().message;
  EXPECT_EQ(smaller->find("a")->parameter("weight")->shape, (Shape{4, 1, 1, 3}));
  EXPECT_EQ(smaller->find("norm")->parameter("gamma")->shape, (Shape{4}));
  EXPECT_EQ(smaller->find("dw")->parameter("weight")->shape, (Shape{1, 1, 8}));
  EXPECT_EQ(smaller->find("b")->parameter("weight")->shape, (Shape{7, 128}));
  // Columns of channel 1 * 2 and 1 * 2 + 1 of each of the 16 pixels are gone.
  const auto& before = graph.find("b")->parameter("weight")->value;
  const auto& after = smaller->find("b")->parameter("weight")->value;
  EXPECT_EQ(after[2], before[4]);
  EXPECT_EQ(after[8], before[10]);
  EXPECT_EQ(after[10], before[14]);
  EXPECT_EQ(after[128], before[160]);
}

TEST(Dependency, AddSharesAndConcatDoesNot) {
  GraphBuilder g("branches", {4, 4, 3}, 1);
  const auto a = g.add(conv(4), {g.input()}, "a");
  const auto b = g.add(conv(4, 3), {a}, "b");
  const auto sum = g.add(Add{}, {a, b}, "sum");
  const auto c = g.add(conv(2), {sum}, "c");
  const auto d = g.add(conv(6), {sum}, "d");
  const auto both = g.add(Concat{}, {c, d}, "both");
  const auto y = g.add(conv(2), {both}, "e");
  const Graph graph = std::move(g).finish(y).value();
  EXPECT_EQ(free_groups(graph), (Groups{"4: a b", "2: c", "6: d"}));

  const auto dependencies = channel_dependencies(graph);
  std::vector<bool> removed(dependencies.sets.size(), false);
  const auto drop = [&](const char* node, size_t channel) {
    const auto tensor = static_cast<size_t>(graph.find(node)->output);
    removed[static_cast<size_t>(dependencies.set_of[tensor][channel])] = true;
  };
  drop("a", 3);
  drop("d", 0);
  drop("d", 4);
  const auto smaller = remove_channels(graph, dependencies, removed);
  ASSERT_TRUE(smaller.ok()) << smaller.error().message;
  EXPECT_EQ(smaller->find("b")->parameter("weight")->shape, (Shape{3, 3, 3, 3}));
  EXPECT_EQ(smaller->find("d")->parameter("weight")->shape, (Shape{4, 1, 1, 3}));
  // e reads c0 c1 | d1 d2 d3 d5: columns 0 1 3 4 5 7 of 8.
  const auto& before = graph.find("e")->parameter("weight")->value;
  const std::vector<float> row(smaller->find("e")->parameter("weight")->value.begin(),
                               smaller->find("e")->parameter("weight")->value.begin() + 6);
  EXPECT_EQ(row,
            (std::vector<float>{before[0], before[1], before[3], before[4], before[5], before[7]}));
}

TEST(Dependency, WhatIsFixedSaysWhy) {
  GraphBuilder g("fixed", {4, 4, 4}, 1);
  auto x = g.add(conv(4), {g.input()}, "a");
  Conv2D grouped = conv(6);
  grouped.groups = 2;
  x = g.add(grouped, {x}, "grouped");
  x = g.add(conv(4), {x}, "b");
  x = g.add(Add{}, {x, g.input()}, "sum");  // Ties "b" to the input.
  const Graph graph = std::move(g).finish(x).value();
  EXPECT_EQ(free_groups(graph), (Groups{"2: a", "3: grouped"}));
  const auto dependencies = channel_dependencies(graph);
  std::vector<bool> removed(dependencies.sets.size(), false);
  const auto tensor = static_cast<size_t>(graph.find("b")->output);
  removed[static_cast<size_t>(dependencies.set_of[tensor][0])] = true;
  auto result = remove_channels(graph, dependencies, removed);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("the network's input"), std::string::npos);
}

// Four inputs and six outputs in two groups: place 1 of the inputs, place 0 of the outputs go.
TEST(Dependency, GroupsOfAConvolutionLoseTheSamePlaces) {
  GraphBuilder g("grouped", {4, 4, 3}, 1);
  auto x = g.add(conv(4), {g.input()}, "a");
  Conv2D grouped = conv(6);
  grouped.groups = 2;
  x = g.add(grouped, {x}, "grouped");
  x = g.add(conv(2), {x}, "b");
  const Graph graph = std::move(g).finish(x).value();
  const auto dependencies = channel_dependencies(graph);
  const auto set = [&](const char* layer, size_t channel) {
    return dependencies.set_of[static_cast<size_t>(graph.find(layer)->output)][channel];
  };
  EXPECT_EQ(set("a", 1), set("a", 3));
  EXPECT_NE(set("a", 0), set("a", 1));
  EXPECT_EQ(set("grouped", 0), set("grouped", 3));
  std::vector<bool> removed(dependencies.sets.size(), false);
  removed[static_cast<size_t>(set("a", 1))] = true;
  removed[static_cast<size_t>(set("grouped", 0))] = true;
  const auto smaller = remove_channels(graph, dependencies, removed);
  ASSERT_TRUE(smaller.ok()) << smaller.error().message;
  EXPECT_EQ(std::get<Conv2D>(smaller->find("grouped")->op).groups, 2);
  const Parameter& before = *graph.find("grouped")->parameter("weight");
  const Parameter& after = *smaller->find("grouped")->parameter("weight");
  ASSERT_EQ(after.shape[0], 4);  // Outputs 1, 2, 4, 5.
  ASSERT_EQ(after.shape[3], 1);  // Input place 0 of two.
  const int taps = before.shape[1] * before.shape[2];
  int row = 0;
  for (const int output : {1, 2, 4, 5}) {
    for (int tap = 0; tap < taps; ++tap) {
      EXPECT_EQ(after.value[static_cast<size_t>(row * taps + tap)],
                before.value[static_cast<size_t>((output * taps + tap) * 2)]);
    }
    ++row;
  }
  EXPECT_EQ(smaller->find("b")->parameter("weight")->shape[3], 4);
}

TEST(Dependency, ATensorKeepsAChannel) {
  GraphBuilder g("all", {4}, 1);
  auto x = g.add(FullyConnected{2, Activation::kRelu}, {g.input()}, "a");
  x = g.add(FullyConnected{3, Activation::kNone}, {x}, "b");
  const Graph graph = std::move(g).finish(x).value();
  const auto dependencies = channel_dependencies(graph);
  std::vector<bool> removed(dependencies.sets.size(), false);
  for (const int set : dependencies.set_of[static_cast<size_t>(graph.find("a")->output)]) {
    removed[static_cast<size_t>(set)] = true;
  }
  const auto result = remove_channels(graph, dependencies, removed);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("all of its 2 channels"), std::string::npos);
}

TEST(Dependency, ResidualNetworkOfTheZoo) {
  const Graph graph = make_zoo_model("resnet8", {}, 0, 1).value();
  for (const std::string& group : free_groups(graph)) {
    EXPECT_TRUE(group.rfind("16:", 0) == 0 || group.rfind("32:", 0) == 0 ||
                group.rfind("64:", 0) == 0)
        << group;
  }
  EXPECT_EQ(free_groups(graph).size(), 6u);  // Three stages, each with the inner one of its block.
}

}  // namespace
}  // namespace coppice
