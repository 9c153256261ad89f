// The executor "dense" against the reference: integer results bit for bit.

#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/exec/plan.h"
#include "coppice/graph/builder.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "exec/placement.h"
#include "exec/quantized.h"
#include "random_graph.h"

namespace coppice::exec {
namespace {

using testing::describe;
using testing::quantized;
using testing::random_bytes;
using testing::random_graph;
using testing::random_input;
using testing::run;
using testing::supported_isas;

TEST(DensePlan, IntegersEqualReference) {
  uint64_t seed = 0;
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat}) {
    for (const int bits : {8, 4, 2}) {
      for (int i = 0; i < 20; ++i, ++seed) {
        const Graph graph = quantized(random_graph(seed), bits, i % 3 != 0, rounding);
        SCOPED_TRACE(describe(graph));
        const auto input = random_bytes(graph.input_shape().elements(), seed);
        const auto expected = run(graph, {.executor = Executor::kReference}, input);
        for (const Isa isa : supported_isas()) {
          SCOPED_TRACE(isa_name(isa));
          // A second run finds the borders as the first one did.
          EXPECT_EQ(run(graph, {.executor = Executor::kDense, .isa = isa}, input, 2), expected);
        }
        EXPECT_EQ(run(graph, {.executor = Executor::kDense, .threads = 2}, input), expected);
      }
    }
  }
}

TEST(DensePlan, FloatEqualsReference) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Graph graph = random_graph(seed);
    SCOPED_TRACE(describe(graph));
    auto reference = compile(graph, {.executor = Executor::kReference}), dense = compile(graph);
    ASSERT_TRUE(reference.ok() && dense.ok());
    const auto input = random_input(graph, seed);
    const std::vector<float> x(input.begin(), input.end());
    std::vector<float> expected(static_cast<size_t>(graph.output_shape().elements())), y = expected;
    (*reference)->run(x, expected);
    (*dense)->run(x, y);
    for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected[i], 1e-3f);
  }
}

TEST(DensePlan, ObserverSeesWhatTheReferenceShows) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Graph graph = quantized(random_graph(seed), 8, true, Rounding::kDouble);
    SCOPED_TRACE(describe(graph));
    auto reference = compile(graph, {.executor = Executor::kReference}), dense = compile(graph);
    ASSERT_TRUE(reference.ok() && dense.ok());
    const auto input = random_input(graph, seed);
    const std::vector<float> x(input.begin(), input.end());
    std::vector<std::vector<int8_t>> expected, seen;
    std::vector<float> a(static_cast<size_t>(graph.output_shape().elements())), b = a;
    (*reference)->run_observed(x, a, [&](const Observation& at) {
      expected.emplace_back(at.integer.begin(), at.integer.end());
    });
    (*dense)->run_observed(x, b, [&](const Observation& at) {
      seen.emplace_back(at.integer.begin(), at.integer.end());
    });
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(a, b);
  }
}

TEST(DensePlan, ZooEqualsReferenceWithoutFallback) {
  for (const ZooEntry& entry : zoo()) {
    SCOPED_TRACE(entry.name);
    const Graph graph = quantized(*make_zoo_model(entry.name, {}, 0, 1), 8, true, Rounding::kFloat);
    const auto input = random_bytes(graph.input_shape().elements(), 1);
    EXPECT_EQ(run(graph, {.executor = Executor::kDense}, input, 2),
              run(graph, {.executor = Executor::kReference}, input));
    auto plan = compile(graph, {.executor = Executor::kDense});
    for (const LayerChoice& choice : (*plan)->choices()) {
      EXPECT_TRUE(!choice.fallback || !isa_supported(Isa::kAvx512)) << choice.layer;
    }
  }
}

// The pools of alexnet and lenet leave the last row and column of odd images out, and all layers
// before them what only those would need. That the answer stays the same is tested above.
TEST(DensePlan, PixelsThatNoLayerReadsAreLeftOut) {
  const auto reason = [](const Plan& plan, const char* layer) {
    for (const LayerChoice& choice : plan.choices()) {
      if (choice.layer == layer) return choice.reason;
    }
    return std::string("no such layer");
  };
  const auto expect_part = [&](const Plan& plan, const char* layer, const char* part) {
    EXPECT_NE(reason(plan, layer).find(part), std::string::npos) << layer << reason(plan, layer);
  };
  const auto alexnet = compile(*make_zoo_model("alexnet", {}, 0, 1));
  expect_part(**alexnet, "conv_4", "8x8 of 9x9 pixels");
  expect_part(**alexnet, "pool_1", "14x14 of 15x15 pixels");
  expect_part(**alexnet, "conv_1", "28x28 of 30x30 pixels");
  // What the window of the mean pool leaves out is read by a depthwise layer with padding.
  const auto ds_cnn = compile(*make_zoo_model("ds_cnn", {}, 0, 1));
  expect_part(**ds_cnn, "depthwise_5", "24x5 of 25x5 pixels");
  EXPECT_EQ(reason(**ds_cnn, "pointwise_4").find("pixels,"), std::string::npos);
}

// Fine-tuning behind a mask may shrink a channel's weights to nothing while its bias stays: the
// bias takes half the int32 range, and the factor is too small for a multiplier.
TEST(DensePlan, AVanishedChannelIsNoFallback) {
  GraphBuilder builder("vanished", {3, 4, 16}, 0);
  Conv2D op;
  op.out_channels = 20;
  op.activation = Activation::kRelu;
  const auto x = builder.add(op, {builder.input()}, "conv");
  Graph graph = std::move(builder).finish(x).value();
  Parameter& weight = *graph.nodes[0].parameter("weight");
  for (size_t i = 0; i < weight.value.size(); ++i) weight.value[i] *= i / 16 == 7 ? 1e-7f : 400.0f;
  graph.nodes[0].parameter("bias")->value[7] = -0.5f;
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat}) {
    const Graph integers = quantized(graph, 8, true, rounding);
    ASSERT_LT(integers.nodes[0].parameter("bias")->quantized->values[7], -(1 << 29));
    const auto input = random_bytes(integers.input_shape().elements(), 3);
    const auto expected = run(integers, {.executor = Executor::kReference}, input);
    for (const Isa isa : supported_isas()) {
      SCOPED_TRACE(isa_name(isa));
      EXPECT_EQ(run(integers, {.isa = isa}, input), expected);
      if (isa != Isa::kScalar) {
        EXPECT_FALSE((*compile(integers, {.isa = isa}))->choices()[0].fallback);
      }
    }
  }
}

// Images that live at the same time share no byte; borders lie inside the memory.
TEST(Placement, LiveTensorsDoNotOverlap) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Graph graph = *fuse_for_inference(random_graph(seed));
    SCOPED_TRACE(describe(graph));
    const Placement placement = place_tensors(graph, 4);
    const auto begin = [&](int t) { return placement.slot_offset[static_cast<size_t>(t)]; };
    const auto end = [&](int t) {
      return begin(t) + placement.places[static_cast<size_t>(t)].span() * 4;
    };
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      std::vector<int> live = graph.nodes[n].inputs;
      live.push_back(graph.nodes[n].output);
      for (size_t later = n + 1; later < graph.nodes.size(); ++later) {
        for (const int input : graph.nodes[later].inputs) {
          const bool made = input == graph.input ||
                            std::any_of(graph.nodes.begin(), graph.nodes.begin() + n + 1,
                                        [&](const Node& node) { return node.output == input; });
          if (made) live.push_back(input);
        }
      }
      for (const int a : live) {
        EXPECT_LE(end(a) + kernels::kImageSlack, placement.bytes);
        for (const int b : live) {
          if (a == b || begin(a) == begin(b)) continue;
          EXPECT_TRUE(end(a) <= begin(b) || end(b) <= begin(a)) << a << " " << b;
        }
      }
    }
  }
}

}  // namespace
}  // namespace coppice::exec
