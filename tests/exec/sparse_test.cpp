// Executors that skip zeros against the reference: integer results bit for bit.

#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/zoo.h"
#include "exec/quantized.h"
#include "random_graph.h"

namespace coppice::exec {
namespace {

using testing::describe;
using testing::prune_randomly;
using testing::quantized;
using testing::random_bytes;
using testing::random_graph;
using testing::random_input;
using testing::run;

std::vector<Executor> sparse_executors() {
  std::vector<Executor> all;
  for (size_t i = 0; i < executors().size(); ++i) {
    const auto executor = static_cast<Executor>(i);
    if (executor != Executor::kReference && executor != Executor::kDense) all.push_back(executor);
  }
  return all;
}

TEST(SparseExecutors, EqualReferenceOnPrunedGraphs) {
  uint64_t seed = 0;
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat}) {
    for (const int bits : {8, 4, 2}) {
      for (const float sparsity : {0.0f, 0.5f, 0.9f, 1.0f}) {
        Graph pruned = random_graph(++seed);
        prune_randomly(pruned, sparsity, seed);
        const Graph graph = quantized(pruned, bits, true, rounding);
        SCOPED_TRACE(describe(graph));
        const auto input = random_bytes(graph.input_shape().elements(), seed);
        const auto expected = run(graph, {.executor = Executor::kReference}, input);
        for (const Executor executor : sparse_executors()) {
          EXPECT_EQ(run(graph, {.executor = executor}, input, 2), expected)
              << executor_name(executor);
        }
      }
    }
  }
}

// The plain executors add in the specification's order, except those that go by kernels.
TEST(SparseExecutors, FloatBaselinesEqualReference) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Graph graph = random_graph(seed);
    prune_randomly(graph, 0.6f, seed);
    SCOPED_TRACE(describe(graph));
    const auto input = random_input(graph, seed);
    const std::vector<float> x(input.begin(), input.end());
    std::vector<float> expected(static_cast<size_t>(graph.output_shape().elements())), y = expected;
    (*compile(graph, {.executor = Executor::kReference}))->run(x, expected);
    for (const auto executor :
         {Executor::kSkip, Executor::kWeightStationary, Executor::kBitmap, Executor::kFilter,
          Executor::kCoordinates, Executor::kCoordinatesWeightStationary}) {
      (*compile(graph, {.executor = executor}))->run(x, y);
      EXPECT_EQ(y, expected) << executor_name(executor);
    }
  }
}

// A layer that a sparse executor cannot run its own way says so.
TEST(SparseExecutors, FallbacksAreNamed) {
  const Graph graph = quantized(random_graph(3), 8, true, Rounding::kFloat);
  for (const auto executor : {Executor::kCsr, Executor::kBlock, Executor::kNm, Executor::kVector}) {
    const auto plan = compile(graph, {.executor = executor});
    ASSERT_TRUE(plan.ok());
    for (const LayerChoice& choice : (*plan)->choices()) {
      if (choice.op != "conv2d" && choice.op != "depthwise_conv2d" &&
          choice.op != "fully_connected") {
        continue;
      }
      const auto named = [&](const char* part) {
        return choice.kernel.find(part) != std::string::npos;
      };
      const bool sparse =
          named("permute") || named("shuffle") || named("blocks") || named("sparse");
      EXPECT_NE(sparse, choice.fallback) << choice.layer << ": " << choice.kernel;
    }
  }
}

TEST(SparseExecutors, DepthwiseLayersLeaveZerosOut) {
  Graph pruned = *make_zoo_model("ds_cnn", {}, 0, 1);
  prune_randomly(pruned, 0.9f, 1);
  const Graph graph = quantized(pruned, 8, true, Rounding::kSingle);
  const auto input = random_bytes(graph.input_shape().elements(), 1);
  const auto expected = run(graph, {.executor = Executor::kReference}, input);
  for (const Executor executor : {Executor::kCsr, Executor::kAuto}) {
    EXPECT_EQ(run(graph, {.executor = executor}, input), expected) << executor_name(executor);
  }
  if (!isa_supported(Isa::kAvx512Vnni)) return;
  const auto plan = compile(graph, {.executor = Executor::kCsr});
  ASSERT_TRUE(plan.ok());
  int layers = 0;
  for (const LayerChoice& choice : (*plan)->choices()) {
    if (choice.op != "depthwise_conv2d") continue;
    EXPECT_EQ(choice.kernel, "sparse_depthwise_u8_avx512vnni");
    EXPECT_FALSE(choice.fallback);
    ++layers;
  }
  EXPECT_EQ(layers, 4);
}

TEST(SparseExecutors, AreFoundByName) {
  for (const Listed& executor : executors()) {
    const auto parsed = parse_executor(executor.name);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(executor_name(*parsed), executor.name);
  }
  const auto unknown = parse_executor("fast");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("skip"), std::string::npos);
}

}  // namespace
}  // namespace coppice::exec
