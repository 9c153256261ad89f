// Graphs with int16 activations: the reference against 64-bit integers that share no code with it,
// the dense executor against the reference.

#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/exec/latency.h"
#include "coppice/exec/lower.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/zoo.h"
#include "exec/integer_evaluator.h"
#include "exec/quantized.h"
#include "random_graph.h"

namespace coppice::exec {
namespace {

using testing::describe;
using testing::quantized;
using testing::random_graph;
using testing::random_input;
using Values = std::vector<int16_t>;

Values random_values(const Graph& graph, uint64_t seed) {
  Random random(seed, "int16");
  Values values(static_cast<size_t>(graph.input_shape().elements()));
  for (auto& value : values)
    value = static_cast<int16_t>(static_cast<int>(random.below(65536)) - 32768);
  return values;
}

Values run(const Graph& graph, const Options& options, const Values& input, int times = 1) {
  auto plan = compile(graph, options);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  Values output(static_cast<size_t>(graph.output_shape().elements()));
  for (int i = 0; i < times; ++i) (*plan)->run_int16(input, output);
  return output;
}

template <class Body>
void for_each_graph(int count, const Body& body) {
  uint64_t seed = 0;
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle}) {
    for (const int bits : {8, 4, 2}) {
      for (int i = 0; i < count; ++i, ++seed) {
        const Graph graph = quantized(random_graph(seed), bits, i % 3 != 0, rounding, 16);
        SCOPED_TRACE(describe(graph));
        EXPECT_TRUE(graph.wide());
        body(graph, random_values(graph, seed));
      }
    }
  }
}

TEST(WidePlan, ReferenceEqualsNaiveEvaluation) {
  for_each_graph(12, [](const Graph& graph, const Values& input) {
    EXPECT_EQ(run(graph, {.executor = Executor::kReference}, input),
              testing::IntegerEvaluator(graph).run(input));
  });
}

TEST(WidePlan, DenseEqualsReference) {
  for_each_graph(20, [](const Graph& graph, const Values& input) {
    const Values expected = run(graph, {.executor = Executor::kReference}, input);
    for (const Isa isa :
         {Isa::kScalar, Isa::kAvx2, Isa::kAvxVnni, Isa::kAvx512, Isa::kAvx512Vnni}) {
      if (!isa_supported(isa)) continue;
      SCOPED_TRACE(isa_name(isa));
      EXPECT_EQ(run(graph, {.executor = Executor::kDense, .isa = isa}, input, 2), expected);
    }
    EXPECT_EQ(run(graph, {.executor = Executor::kDense, .threads = 2}, input), expected);
  });
}

TEST(WidePlan, ZooRunsOnVectorKernels) {
  for (const char* name : {"ds_cnn", "resnet8"}) {
    SCOPED_TRACE(name);
    const Graph graph = quantized(*make_zoo_model(name, {}, 0, 1), 8, true, Rounding::kDouble, 16);
    const Values input = random_values(graph, 1);
    EXPECT_EQ(run(graph, {}, input, 2), run(graph, {.executor = Executor::kReference}, input));
    const auto plan = compile(graph);
    for (const LayerChoice& choice : (*plan)->choices()) {
      EXPECT_TRUE(!choice.fallback || !isa_supported(Isa::kAvx2)) << choice.layer;
    }
    EXPECT_GT(measure_latency(**plan, {.repetitions = 1}).median_us, 0);
  }
}

// A sum that 32 bits might not hold runs on the plain kernel, and the plan says why.
TEST(WidePlan, LongSumsFallBackByName) {
  Graph graph = quantized(*make_zoo_model("tiny_conv", {}, 0, 1), 8, true, Rounding::kDouble, 16);
  for (Node& node : graph.nodes) {
    if (!std::holds_alternative<FullyConnected>(node.op)) continue;
    for (int32_t& value : node.parameter("weight")->quantized->values) value = 127;
  }
  const Values input = random_values(graph, 2);
  EXPECT_EQ(run(graph, {}, input), run(graph, {.executor = Executor::kReference}, input));
  if (!isa_supported(Isa::kAvx2)) return;
  const auto plan = compile(graph);
  const auto& choices = (*plan)->choices();
  const auto found = std::find_if(choices.begin(), choices.end(),
                                  [](const LayerChoice& c) { return c.op == "fully_connected"; });
  ASSERT_NE(found, choices.end());
  EXPECT_TRUE(found->fallback);
  EXPECT_NE(found->reason.find("overflow"), std::string::npos) << found->reason;
}

TEST(WidePlan, ObserversSeeTheSameInBothExecutors) {
  const Graph graph = quantized(random_graph(3), 8, true, Rounding::kDouble, 16);
  const auto input = random_input(graph, 3);
  const std::vector<float> x(input.begin(), input.end());
  std::vector<std::vector<float>> seen[2];
  std::vector<float> y(static_cast<size_t>(graph.output_shape().elements()));
  for (const int i : {0, 1}) {
    auto plan = compile(graph, {.executor = i == 0 ? Executor::kReference : Executor::kDense});
    (*plan)->run_observed(x, y, [&](const Observation& at) {
      EXPECT_FALSE(at.wide.empty());
      seen[i].push_back(real_values((*plan)->graph(), at));
    });
    EXPECT_EQ(seen[i].back(), y);
  }
  EXPECT_EQ(seen[0], seen[1]);
}

TEST(WidePlan, ActivationsTakeTwoBytes) {
  const Graph real = *make_zoo_model("ds_cnn", {}, 0, 1);
  const auto arena = [&](int bits) {
    const Graph graph = quantized(real, 8, true, Rounding::kDouble, bits);
    return (*compile(graph, {.executor = Executor::kReference}))->arena_bytes();
  };
  EXPECT_NEAR(static_cast<double>(arena(16)), 2.0 * static_cast<double>(arena(8)), 64.0);
}

TEST(WidePlan, ErrorsNameWhatIsMissing) {
  const auto message = [](const Graph& graph, Executor executor) {
    const auto plan = compile(graph, {.executor = executor});
    return plan.ok() ? std::string() : plan.error().message;
  };
  const Graph graph = quantized(random_graph(3), 8, true, Rounding::kDouble, 16);
  EXPECT_NE(message(graph, Executor::kBitmap).find("16-bit activations; the executor \"bitmap\""),
            std::string::npos);
  Graph mixed = graph;
  mixed.tensors.back().quantization->bits = 8;
  EXPECT_NE(message(mixed, Executor::kDense).find("all int8 or all int16"), std::string::npos);
  Graph floating = graph;
  floating.rounding = Rounding::kFloat;
  EXPECT_NE(message(floating, Executor::kReference).find("XNNPACK"), std::string::npos);
  Graph shifted = graph;
  for (TensorInfo& tensor : shifted.tensors) tensor.quantization->zero_point = 3;
  EXPECT_NE(message(shifted, Executor::kReference).find("zero point in [0, 0]"), std::string::npos);
}

}  // namespace
}  // namespace coppice::exec
