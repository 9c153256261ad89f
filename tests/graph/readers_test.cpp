#include "coppice/graph/readers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coppice/graph/builder.h"
#include "coppice/graph/dependency.h"
#include "coppice/graph/zoo.h"

namespace coppice {
namespace {

size_t index_of(const Graph& graph, const std::string& name) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].name == name) return n;
  }
  ADD_FAILURE() << name;
  return 0;
}

TEST(WeightedReaders, AreFoundBehindNodesWithoutWeights) {
  const Graph graph = *make_zoo_model("tiny_conv", {49, 10, 1}, 11, 0);
  const std::vector<size_t> classifier = {index_of(graph, "fc")};
  EXPECT_EQ(weighted_readers(graph, index_of(graph, "conv_1")), classifier);
  EXPECT_EQ(weighted_readers(graph, index_of(graph, "dropout")), classifier);
  EXPECT_TRUE(weighted_readers(graph, classifier[0]).empty());
}

TEST(WeightedReaders, AreAllOfAResidualBlock) {
  GraphBuilder g("block", {8, 8, 4}, 1);
  Conv2D conv;
  conv.out_channels = 4;
  auto x = g.add(conv, {g.input()}, "first");
  auto y = g.add(conv, {x}, "inside");
  x = g.add(Add{}, {x, y}, "add");
  x = g.add(GlobalAvgPool{}, {x}, "pool");
  x = g.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  const Graph graph = std::move(g).finish(x).value();
  EXPECT_EQ(weighted_readers(graph, index_of(graph, "first")),
            (std::vector<size_t>{index_of(graph, "inside"), index_of(graph, "fc")}));
}

TEST(RemoveChannels, LowersDropoutWithTheLayerThatReadsIt) {
  const Graph graph = *make_zoo_model("tiny_conv", {49, 10, 1}, 11, 0);
  const auto rate = [](const Graph& of) { return std::get<Dropout>(of.find("dropout")->op).rate; };
  const auto dependencies = channel_dependencies(graph);
  std::vector<bool> removed(dependencies.sets.size(), false);
  const auto& sets = dependencies.set_of[static_cast<size_t>(graph.find("conv_1")->output)];
  for (size_t i = 0; i < 6; ++i) removed[static_cast<size_t>(sets[i])] = true;  // Of 8.
  const auto smaller = remove_channels(graph, dependencies, removed);
  ASSERT_TRUE(smaller.ok()) << smaller.error().message;
  EXPECT_FLOAT_EQ(rate(*smaller), rate(graph) * 0.5f);
}

}  // namespace
}  // namespace coppice
