#include "coppice/graph/storage.h"

#include <gtest/gtest.h>

#include "coppice/graph/builder.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/zoo.h"
#include "random_graph.h"

namespace coppice {
namespace {

Graph two_layers() {
  GraphBuilder builder("two", {4, 4, 8}, 0);
  Conv2D conv;
  conv.out_channels = 16;
  auto x = builder.add(conv, {builder.input()}, "conv");
  x = builder.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  return std::move(builder).finish(x).value();
}

void keep(Parameter& weight, const std::vector<size_t>& elements) {
  weight.mask.assign(weight.value.size(), 0);
  for (const size_t element : elements) weight.mask[element] = 1;
}

TEST(Storage, DenseWeightsStayDense) {
  const Graph graph = two_layers();
  for (const Node& node : graph.nodes) {
    if (node.parameter("weight") == nullptr) continue;
    EXPECT_EQ(smallest_storage(node).format, "dense");
    EXPECT_EQ(smallest_storage(node).bytes, stored_bytes(*node.parameter("weight")));
  }
  EXPECT_EQ(smallest_storage_bytes(graph), measure_cost(graph).flash_bytes);
}

// 16 x 8 weights, one filter kept: two bytes a filter and one filter of eight floats. Two single
// weights of two filters instead: their rows' bits, the place of each row's values, two floats.
TEST(Storage, SmallestFormatByHand) {
  Graph graph = two_layers();
  Node& conv = graph.nodes[0];
  keep(*conv.parameter("weight"), {24, 25, 26, 27, 28, 29, 30, 31});
  EXPECT_EQ(smallest_storage(conv).format, "kept filters");
  EXPECT_EQ(smallest_storage(conv).bytes, 16 * 2 + 8 * 4);
  const int64_t saved = 16 * 8 * 4 - (16 * 2 + 8 * 4);
  EXPECT_EQ(smallest_storage_bytes(graph), measure_cost(graph).flash_bytes - saved);

  Node& fc = *std::find_if(graph.nodes.begin(), graph.nodes.end(),
                           [](const Node& node) { return node.name == "fc"; });
  keep(*fc.parameter("weight"), {1, 300});  // 3 x 256.
  EXPECT_EQ(smallest_storage(fc).format, "csr");
  EXPECT_EQ(smallest_storage(fc).bytes, 2 * (4 + 2) + 3 * 4);
}

TEST(Storage, IsNeverMoreThanFlash) {
  for (const ZooEntry& entry : zoo()) {
    Graph graph = *make_zoo_model(entry.name, {}, 0, 1);
    EXPECT_LE(smallest_storage_bytes(graph), measure_cost(graph).flash_bytes) << entry.name;
    testing::prune_randomly(graph, 0.9f, 1);
    EXPECT_LT(smallest_storage_bytes(graph), measure_cost(graph).flash_bytes / 2) << entry.name;
  }
}

}  // namespace
}  // namespace coppice
