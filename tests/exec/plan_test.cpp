#include "coppice/exec/plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <new>

#include "bounded_forward.h"
#include "coppice/exec/latency.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/quantize.h"
#include "exec/integer_evaluator.h"
#include "random_graph.h"

namespace {
thread_local long allocations = 0;
}  // namespace

// Counts the allocations of this thread; the tests below look at the difference over a run.
[[gnu::noinline]] void* operator new(size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace coppice::exec {
namespace {

using testing::describe;
using testing::random_graph;
using testing::random_input;

std::vector<float> to_float(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

std::unique_ptr<Plan> compiled(const Graph& graph) {
  auto plan = compile(graph);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  return plan.ok() ? std::move(plan).value() : nullptr;
}

std::vector<float> run(Plan& plan, const std::vector<float>& input) {
  std::vector<float> output(static_cast<size_t>(plan.graph().output_shape().elements()));
  plan.run(input, output);
  return output;
}

Graph quantized(const Graph& graph, int bits, bool per_channel, Rounding rounding) {
  std::vector<std::vector<float>> samples;
  for (uint64_t seed = 0; seed < 3; ++seed)
    samples.push_back(to_float(random_input(graph, 100 + seed)));
  quant::QuantizeOptions options;
  options.weight_bits = bits;
  options.per_channel = per_channel;
  options.rounding = rounding;
  auto result = quant::quantize(graph, samples, options);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return std::move(result).value();
}

std::vector<int8_t> random_bytes(int64_t count, uint64_t seed) {
  Random random(seed, "bytes");
  std::vector<int8_t> values(static_cast<size_t>(count));
  for (auto& value : values) value = static_cast<int8_t>(static_cast<int>(random.below(256)) - 128);
  return values;
}

TEST(Plan, FloatWithinBoundOfDoubleArithmetic) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    testing::RandomGraphOptions options;
    options.batch_norm = seed % 2 == 0;
    const Graph graph = *fuse_for_inference(random_graph(seed, options));
    SCOPED_TRACE(describe(graph));
    const auto plan = compiled(graph);
    ASSERT_NE(plan, nullptr);
    const auto input = random_input(graph, seed);
    std::vector<double> exact_input;
    for (const float value : to_float(input)) exact_input.push_back(value);
    const auto expected =
        testing::BoundedForward(graph, {.weights = false, .arithmetic = true}).run(exact_input);
    const auto output = run(*plan, to_float(input));
    for (size_t i = 0; i < output.size(); ++i)
      EXPECT_NEAR(output[i], expected[i].value, expected[i].error);
  }
}

TEST(Plan, IntegersEqualNaiveEvaluation) {
  uint64_t seed = 0;
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat}) {
    for (const int bits : {8, 4, 2}) {
      for (int i = 0; i < 12; ++i, ++seed) {
        const Graph graph = quantized(random_graph(seed), bits, i % 3 != 0, rounding);
        SCOPED_TRACE(describe(graph));
        const auto plan = compiled(graph);
        ASSERT_NE(plan, nullptr);
        const auto input = random_bytes(graph.input_shape().elements(), seed);
        std::vector<int8_t> output(static_cast<size_t>(graph.output_shape().elements()));
        plan->run_int8(input, output);
        EXPECT_EQ(output, testing::IntegerEvaluator(graph).run(input));
      }
    }
  }
}

TEST(Plan, RunAllocatesNothing) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Graph real = random_graph(seed);
    for (const Graph& graph : {real, quantized(real, 8, true, Rounding::kDouble)}) {
      const auto plan = compiled(graph);
      const auto input = to_float(random_input(graph, seed));
      std::vector<float> output(static_cast<size_t>(graph.output_shape().elements()));
      const auto bytes = random_bytes(graph.input_shape().elements(), seed);
      std::vector<int8_t> byte_output(output.size());
      const long before = allocations;
      plan->run(input, output);
      if (graph.quantized()) plan->run_int8(bytes, byte_output);
      EXPECT_EQ(allocations, before);
      EXPECT_GT(before, 0);
    }
  }
}

TEST(Plan, RunConvertsAtBothEnds) {
  const Graph graph = quantized(random_graph(5), 8, true, Rounding::kDouble);
  const auto plan = compiled(graph);
  const auto& in = *graph.tensors[static_cast<size_t>(graph.input)].quantization;
  const auto& out = *graph.tensors[static_cast<size_t>(graph.output)].quantization;
  const auto bytes = random_bytes(graph.input_shape().elements(), 5);
  std::vector<float> real;
  for (const int8_t value : bytes)
    real.push_back(static_cast<float>(value - in.zero_point) * in.scale);
  std::vector<int8_t> expected(static_cast<size_t>(graph.output_shape().elements()));
  plan->run_int8(bytes, expected);
  const auto output = run(*plan, real);
  for (size_t i = 0; i < output.size(); ++i) {
    EXPECT_EQ(output[i], static_cast<float>(expected[i] - out.zero_point) * out.scale);
  }
}

TEST(Plan, ObserverSeesEveryTensorAsComputed) {
  const Graph graph = *fuse_for_inference(random_graph(7));
  const auto plan = compiled(graph);
  const auto input = to_float(random_input(graph, 7));
  std::vector<int> seen;
  std::vector<float> last;
  std::vector<float> output(static_cast<size_t>(graph.output_shape().elements()));
  plan->run_observed(input, output, [&](const Observation& at) {
    seen.push_back(at.tensor);
    EXPECT_TRUE(at.integer.empty());
    EXPECT_EQ(static_cast<int64_t>(at.real.size()),
              graph.tensors[static_cast<size_t>(at.tensor)].shape.elements());
    last.assign(at.real.begin(), at.real.end());
  });
  EXPECT_EQ(seen.size(), graph.nodes.size() + 1);
  EXPECT_EQ(seen.front(), graph.input);
  EXPECT_EQ(last, output);
  EXPECT_EQ(output, run(*plan, input));
}

TEST(Plan, ChoicesNameKernelAndReason) {
  const auto plan = compiled(*make_zoo_model("ds_cnn", {}, 0, 1));
  int64_t macs = 0;
  for (const LayerChoice& choice : plan->choices()) {
    EXPECT_FALSE(choice.layer.empty());
    EXPECT_FALSE(choice.kernel.empty());
    EXPECT_FALSE(choice.reason.empty());
    macs += choice.macs;
  }
  EXPECT_EQ(macs, 2656768);
  EXPECT_GT(plan->arena_bytes(), 0);
}

TEST(Plan, ErrorsNameTheLayer) {
  Graph graph = quantized(random_graph(3), 8, true, Rounding::kDouble);
  const auto message = [](const Graph& broken) {
    const auto plan = compile(broken);
    return plan.ok() ? std::string() : plan.error().message;
  };
  for (const auto& node : graph.nodes) {
    if (node.parameter("weight") == nullptr) continue;
    Graph broken = graph;
    broken.find(node.name)->parameter("weight")->quantized.reset();
    EXPECT_NE(message(broken).find("\"" + node.name + "\""), std::string::npos) << message(broken);
    broken = graph;
    broken.find(node.name)->parameter("weight")->quantized->bits = 16;
    EXPECT_NE(message(broken).find("16-bit"), std::string::npos) << message(broken);
  }
  Graph half = graph;
  half.tensors.front().quantization.reset();
  EXPECT_NE(message(half).find("all float or all integer"), std::string::npos) << message(half);
  Graph wide = graph;
  wide.tensors[static_cast<size_t>(wide.output)].quantization->bits = 16;
  EXPECT_NE(message(wide).find("16-bit activations"), std::string::npos) << message(wide);
  Options no_threads;
  no_threads.threads = 0;
  EXPECT_FALSE(compile(graph, no_threads).ok());
}

TEST(Latency, QuantilesAreOrdered) {
  const auto plan = compiled(*make_zoo_model("tiny_conv", {}, 0, 1));
  LatencyOptions options;
  options.repetitions = 9;
  options.repetition_us = 50;
  options.warm_up_us = 100;
  const Latency latency = measure_latency(*plan, options);
  EXPECT_GT(latency.median_us, 0);
  EXPECT_LE(latency.p10_us, latency.median_us);
  EXPECT_LE(latency.median_us, latency.p90_us);
  EXPECT_EQ(latency.repetitions, 9);
}

}  // namespace
}  // namespace coppice::exec
