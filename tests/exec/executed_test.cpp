// What kernels really multiply, and in how many bytes, against counts by hand.

#include <gtest/gtest.h>

#include <map>

#include "coppice/core/cpu.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/builder.h"
#include "exec/quantized.h"

namespace coppice::exec {
namespace {

using testing::quantized;

/// A weight, by output channel, tap and input channel.
struct At {
  int output, tap, input;
};

/// One layer without bias whose weights are zero but for these.
Graph one_layer(const Shape& input, const Op& op, int taps, int depth,
                const std::vector<At>& nonzeros) {
  GraphBuilder builder("one", input, 0);
  const auto x = builder.add(op, {builder.input()}, "layer", false);
  Graph graph = std::move(builder).finish(x).value();
  Parameter& weight = *graph.nodes[0].parameter("weight");
  std::fill(weight.value.begin(), weight.value.end(), 0.0f);
  for (const At& at : nonzeros) {
    weight.value[static_cast<size_t>((at.output * taps + at.tap) * depth + at.input)] = 0.5f;
  }
  return graph;
}

Graph convolution(int kernel, int in, int out, const std::vector<At>& nonzeros) {
  Conv2D op;
  op.out_channels = out;
  op.kernel = {kernel, kernel};
  const int border = kernel / 2;
  op.padding = {border, border, border, border};
  return one_layer({2, 3, in}, op, kernel * kernel, in, nonzeros);
}

Graph integers(const Graph& graph) { return quantized(graph, 8, true, Rounding::kFloat); }

LayerChoice choice_of(const Graph& graph, Executor executor) {
  const auto plan = compile(graph, {.executor = executor});
  EXPECT_TRUE(plan.ok());
  if (!plan.ok()) return {};
  const PlanCost cost = cost_of(**plan);
  const LayerChoice choice = (*plan)->choices()[0];
  EXPECT_EQ(cost.macs, choice.macs);
  EXPECT_EQ(cost.executed_macs, choice.executed_macs);
  EXPECT_EQ(cost.packed_bytes, choice.packed_bytes);
  return choice;
}

void expect_executed(const Graph& graph, const std::map<Executor, int>& weights, int pixels) {
  for (const auto& [executor, count] : weights) {
    const LayerChoice choice = choice_of(graph, executor);
    EXPECT_EQ(choice.executed_macs, int64_t{count} * pixels)
        << executor_name(executor) << ": " << choice.kernel << ", " << choice.reason;
  }
}

// One weight of a 3x3 layer of 4 -> 5 channels, at the middle of its kernel.
TEST(ExecutedMacs, OfPlainFormats) {
  const Graph graph = convolution(3, 4, 5, {{1, 4, 2}});
  const std::map<Executor, int> weights = {{Executor::kReference, 180},
                                           {Executor::kDense, 180},
                                           {Executor::kSkip, 1},
                                           {Executor::kBitmap, 1},
                                           {Executor::kVectorMask, 3},
                                           {Executor::kKernelMask, 9},
                                           {Executor::kFilter, 36},
                                           {Executor::kCoordinates, 1},
                                           {Executor::kWeightStationary, 1},
                                           {Executor::kCoordinatesWeightStationary, 1}};
  expect_executed(graph, weights, 6);
  expect_executed(integers(graph), weights, 6);
  EXPECT_EQ(choice_of(graph, Executor::kDense).macs, 180 * 6);
}

std::vector<At> four_of_each(int outputs) {
  std::vector<At> all;
  for (int output = 0; output < outputs; ++output) {
    for (int input = 0; input < 4; ++input) all.push_back({output, 0, input});
  }
  return all;
}

// Steps of 16 channels x 4 weights: full where each row keeps four, nearly empty for one weight.
TEST(ExecutedMacs, OfIntegerVectorsWithTheirEmptySlots) {
  if (!isa_supported(Isa::kAvx512Vnni)) GTEST_SKIP() << "no AVX-512 VNNI here";
  const Graph full = integers(convolution(1, 16, 32, four_of_each(32)));
  const Graph single = integers(convolution(1, 16, 32, {{0, 0, 5}}));
  expect_executed(full,
                  {{Executor::kDense, 512},
                   {Executor::kCsr, 128},
                   {Executor::kBlock, 128},
                   {Executor::kNm, 128},
                   {Executor::kVector, 128},
                   {Executor::kLut, 512}},
                  6);
  expect_executed(
      single,
      {{Executor::kCsr, 64}, {Executor::kBlock, 64}, {Executor::kNm, 64}, {Executor::kVector, 64}},
      6);
  // Five weights a row want two steps, which have room for eight.
  std::vector<At> five = four_of_each(16);
  for (int output = 0; output < 16; ++output) five.push_back({output, 0, 9});
  expect_executed(integers(convolution(1, 16, 16, five)), {{Executor::kCsr, 128}}, 6);
}

// Streams hold one or four output channels an entry, permutes and vectors sixteen.
TEST(ExecutedMacs, OfFloatVectorsWithTheirEmptySlots) {
  if (!isa_supported(Isa::kAvx512)) GTEST_SKIP() << "no AVX-512 here";
  expect_executed(convolution(1, 16, 32, {{0, 0, 5}}),
                  {{Executor::kCsr, 1}, {Executor::kVector, 4}}, 6);
  const FullyConnected op{32, Activation::kNone};
  expect_executed(one_layer({64}, op, 1, 64, {{0, 0, 5}}),
                  {{Executor::kCsr, 16}, {Executor::kVector, 16}, {Executor::kDense, 2048}}, 1);
}

// A pattern that the weights do not have: the dense kernel runs, and multiplies everything.
TEST(ExecutedMacs, OfAFallbackAreAll) {
  std::vector<At> all;
  for (int output = 0; output < 16; ++output) {
    for (int input = 0; input < 16; ++input) all.push_back({output, 0, input});
  }
  const LayerChoice choice = choice_of(integers(convolution(1, 16, 16, all)), Executor::kNm);
  EXPECT_TRUE(choice.fallback);
  EXPECT_EQ(choice.executed_macs, choice.macs);
}

TEST(ExecutedMacs, SparsityIsTheShareLeftOut) {
  EXPECT_EQ(PlanCost{}.executed_sparsity(), 0.0);
  EXPECT_DOUBLE_EQ((PlanCost{100, 25, 0}).executed_sparsity(), 0.75);
  EXPECT_DOUBLE_EQ((PlanCost{100, 150, 0}).executed_sparsity(), -0.5);
}

// 180 weights, one scale for each of 5 channels, in float rounding 4 bytes; no bias.
TEST(PackedBytes, OfPlainFormats) {
  const Graph graph = convolution(3, 4, 5, {{1, 4, 2}});
  EXPECT_EQ(choice_of(graph, Executor::kReference).packed_bytes, 180 * 4);
  const Graph small = integers(graph);
  EXPECT_EQ(choice_of(small, Executor::kReference).packed_bytes, 180 + 5 * 4);
  EXPECT_EQ(choice_of(small, Executor::kSkip).packed_bytes, 180 + 5 * 4);
  // Filters: two bytes for each of five, one filter of 36.
  EXPECT_EQ(choice_of(small, Executor::kFilter).packed_bytes, 10 + 36 + 5 * 4);
  // Bitmap: for each row the place of its values and two words of bits, one value.
  EXPECT_EQ(choice_of(small, Executor::kBitmap).packed_bytes, 5 * (4 + 8) + 1 + 5 * 4);
}

}  // namespace
}  // namespace coppice::exec
