#include "coppice/graph/planner.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/graph/builder.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "random_graph.h"

namespace coppice {
namespace {

// Which tensors must hold the same bytes: found here by walking up from each tensor.
int root_of(const Graph& graph, int tensor) {
  for (const auto& node : graph.nodes) {
    const bool alias = std::holds_alternative<Flatten>(node.op) ||
                       std::holds_alternative<Reshape>(node.op) ||
                       std::holds_alternative<Dropout>(node.op);
    if (node.output == tensor && alias) return root_of(graph, node.inputs[0]);
  }
  return tensor;
}

bool written_before(const Graph& graph, int tensor, int node) {
  if (tensor == graph.input) return true;
  for (int n = 0; n <= node; ++n) {
    if (graph.nodes[static_cast<size_t>(n)].output == tensor) return true;
  }
  return false;
}

bool read_at_or_after(const Graph& graph, int tensor, int node) {
  if (tensor == graph.output) return true;
  for (size_t n = static_cast<size_t>(node); n < graph.nodes.size(); ++n) {
    const auto& inputs = graph.nodes[n].inputs;
    if (std::find(inputs.begin(), inputs.end(), tensor) != inputs.end()) return true;
  }
  return false;
}

// Checks a plan against the definition of "alive", without the planner's own lifetimes.
void check_plan(const Graph& graph, int alignment) {
  const MemoryPlan plan = plan_memory(graph, alignment);
  ASSERT_EQ(plan.placements.size(), graph.tensors.size());
  const auto count = static_cast<int>(graph.tensors.size());
  int64_t sum = 0, most_alive = 0;
  for (const auto& placement : plan.placements) {
    EXPECT_EQ(placement.offset % alignment, 0);
    EXPECT_EQ(placement.bytes,
              activation_bytes(graph.tensors[static_cast<size_t>(placement.tensor)]));
    EXPECT_LE(placement.offset + placement.bytes, plan.arena_bytes);
    if (root_of(graph, placement.tensor) == placement.tensor) {
      sum += (placement.bytes + alignment - 1) / alignment * alignment;
    }
  }
  for (int n = 0; n < static_cast<int>(graph.nodes.size()); ++n) {
    std::vector<int> alive;
    for (int t = 0; t < count; ++t) {
      const bool is_output = graph.nodes[static_cast<size_t>(n)].output == t;
      if (is_output || (written_before(graph, t, n) && read_at_or_after(graph, t, n)))
        alive.push_back(t);
    }
    std::vector<int> roots;
    int64_t bytes = 0;
    for (int t : alive) {
      const int root = root_of(graph, t);
      if (std::find(roots.begin(), roots.end(), root) != roots.end()) continue;
      roots.push_back(root);
      bytes += plan.placements[static_cast<size_t>(t)].bytes;
    }
    EXPECT_EQ(live_bytes(graph)[static_cast<size_t>(n)], bytes) << "node " << n;
    most_alive = std::max(most_alive, bytes);
    for (int a : alive) {
      for (int b : alive) {
        const auto &pa = plan.placements[static_cast<size_t>(a)],
                   &pb = plan.placements[static_cast<size_t>(b)];
        if (root_of(graph, a) == root_of(graph, b)) {
          EXPECT_EQ(pa.offset, pb.offset);
        } else {
          EXPECT_TRUE(pa.offset + pa.bytes <= pb.offset || pb.offset + pb.bytes <= pa.offset)
              << "tensors " << a << " and " << b << " overlap at node " << n;
        }
      }
    }
  }
  EXPECT_LE(plan.arena_bytes, sum);
  EXPECT_GE(plan.arena_bytes, most_alive);
}

TEST(Planner, LiveTensorsNeverOverlapOnRandomGraphs) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Graph graph = testing::random_graph(seed);
    if (seed % 3 == 0) graph = fuse_for_inference(graph).value();
    if (seed % 2 == 0) {
      for (auto& tensor : graph.tensors) tensor.quantization = ActivationQuantization{};
    }
    SCOPED_TRACE(testing::describe(graph));
    for (int alignment : {1, 4, 16}) check_plan(graph, alignment);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Planner, ChainNeedsItsLargestNeighbours) {
  // 8 -> 32 -> 16 -> 4 floats: 32 + 16 are alive at the second layer.
  GraphBuilder builder("chain", {8}, 0);
  auto x = builder.input();
  for (int features : {32, 16, 4})
    x = builder.add(FullyConnected{features, Activation::kNone}, {x});
  const Graph graph = std::move(builder).finish(x).value();
  EXPECT_EQ(plan_memory(graph).arena_bytes, 48 * 4);
  EXPECT_EQ(live_bytes(graph), (std::vector<int64_t>{40 * 4, 48 * 4, 20 * 4}));
  const auto plan = plan_memory(graph);
  EXPECT_EQ(plan.placements[0].first, -1);
  EXPECT_EQ(plan.placements[0].last, 0);
  EXPECT_EQ(plan.placements[3].first, 2);
  EXPECT_EQ(plan.placements[3].last, 2);
}

TEST(Planner, ResidualKeepsItsShortcutAlive) {
  // x (64) -> a (64) -> b (64), x + b: three tensors of 64 floats at the second layer and the sum.
  GraphBuilder builder("residual", {4, 4, 4}, 0);
  const auto x = builder.input();
  const auto a = builder.add(Relu{}, {x});
  const auto b = builder.add(Relu{}, {a});
  const auto sum = builder.add(Add{}, {x, b});
  const auto flat = builder.add(Flatten{}, {sum});
  const Graph graph = std::move(builder).finish(flat).value();
  const auto plan = plan_memory(graph);
  EXPECT_EQ(plan.arena_bytes, 3 * 64 * 4);
  EXPECT_EQ(plan.placements[static_cast<size_t>(sum)].offset,
            plan.placements[static_cast<size_t>(flat)].offset);
}

TEST(Planner, ZooReachesTheLowerBound) {
  for (const auto& entry : zoo()) {
    const Graph graph = fuse_for_inference(make_zoo_model(entry.name, {}, 0, 1).value()).value();
    const auto live = live_bytes(graph);
    EXPECT_EQ(plan_memory(graph, 1).arena_bytes, *std::max_element(live.begin(), live.end()))
        << entry.name;
  }
}

TEST(Planner, RandomGraphsStayNearTheLowerBound) {
  int exact = 0, graphs = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Graph graph = fuse_for_inference(testing::random_graph(seed)).value();
    const auto live = live_bytes(graph);
    const int64_t bound = *std::max_element(live.begin(), live.end()),
                  arena = plan_memory(graph, 1).arena_bytes;
    EXPECT_LE(static_cast<double>(arena), 1.25 * static_cast<double>(bound))
        << testing::describe(graph);
    exact += arena == bound;
    ++graphs;
  }
  EXPECT_GE(exact, graphs * 95 / 100);
}

TEST(Planner, BytesFollowTheBits) {
  TensorInfo tensor{"t", {3, 5, 7}, std::nullopt};
  EXPECT_EQ(activation_bytes(tensor), 420);
  for (const auto& [bits, bytes] :
       std::vector<std::pair<int, int64_t>>{{2, 105}, {4, 105}, {8, 105}, {16, 210}}) {
    tensor.quantization = ActivationQuantization{bits, 1.0f, 0};
    EXPECT_EQ(activation_bytes(tensor), bytes);
  }
}

}  // namespace
}  // namespace coppice
