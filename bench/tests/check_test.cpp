// A wrong answer must not be timed: what the comparison with the reference lets through.
#include "support/check.h"

#include <gtest/gtest.h>

#include <limits>

#include "peers/tensor_buffers.h"
#include "support/layers.h"
#include "support/workload.h"

namespace coppice::bench {
namespace {

TEST(Check, OursMustBeExactAndPeersOneStepALayer) {
  const auto graph = make_workload("tiny_conv", Rounding::kFloat);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const Values input = random_input(*graph, 1);
  const auto expected = reference_output(*graph, input);
  ASSERT_TRUE(expected.ok());
  Values found = *expected;
  EXPECT_EQ(*compare(*graph, *expected, found, true), 0.0);
  const auto steps = static_cast<int>(graph->nodes.size());
  int8_t& value = found.integer[0];
  value = static_cast<int8_t>(value > 0 ? value - steps : value + steps);
  EXPECT_FALSE(compare(*graph, *expected, found, true).ok());
  EXPECT_TRUE(compare(*graph, *expected, found, false).ok());
  value = static_cast<int8_t>(expected->integer[0] > 0 ? expected->integer[0] - steps - 1
                                                       : expected->integer[0] + steps + 1);
  EXPECT_FALSE(compare(*graph, *expected, found, false).ok());
}

TEST(Check, FloatsMayDifferByRounding) {
  const auto graph = make_workload("tiny_conv", std::nullopt);
  ASSERT_TRUE(graph.ok());
  const auto expected = reference_output(*graph, random_input(*graph, 1));
  Values found = *expected;
  found.real[0] *= 1 + 4 * std::numeric_limits<float>::epsilon();
  EXPECT_TRUE(compare(*graph, *expected, found, false).ok());
  found.real[0] = expected->real[0] + 1;
  EXPECT_FALSE(compare(*graph, *expected, found, false).ok());
  found.real[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(compare(*graph, *expected, found, false).ok());
  EXPECT_FALSE(compare(*graph, *expected, Values{}, false).ok());
}

TEST(Workload, HasNoSoftmaxAndBiasesThatShow) {
  for (const char* arch : {"ds_cnn", "resnet8"}) {
    const auto graph = make_workload(arch, std::nullopt);
    ASSERT_TRUE(graph.ok());
    EXPECT_TRUE(validate(*graph).ok());
    for (const Node& node : graph->nodes) {
      EXPECT_FALSE(std::holds_alternative<Softmax>(node.op));
      const Parameter* bias = node.parameter("bias");
      EXPECT_TRUE(bias == nullptr || nonzero_count(*bias) > 0) << node.name;
    }
  }
}

TEST(Layers, AreGraphsThatComputeTheSame) {
  for (const auto& rounding : {std::optional<Rounding>{}, std::optional{Rounding::kFloat}}) {
    const auto network = make_workload("ds_cnn", rounding);
    const auto layers = layers_of(*network);
    ASSERT_EQ(layers.size(), 5u);  // conv_1, depthwise_2, pointwise_2, pool, fc: each shape once
    for (const auto& layer : layers) {
      EXPECT_TRUE(validate(layer.graph).ok()) << layer.name;
      EXPECT_EQ(layer.graph.quantized(), network->quantized());
    }
  }
}

// Tensors that are alive together never share bytes; one whose readers have run is used again.
TEST(TensorBuffers, ReuseWhatNobodyReads) {
  const auto graph = make_workload("ds_cnn", std::nullopt);
  TensorBuffers buffers(*graph);
  buffers.allocate(graph->input, 100);
  std::byte* previous = buffers.at(graph->input);
  std::byte* before_previous = nullptr;
  for (const Node& node : graph->nodes) {
    std::byte* output = buffers.allocate(node.output, 100);
    for (const int input : node.inputs) EXPECT_NE(output, buffers.at(input)) << node.name;
    EXPECT_NE(output, buffers.at(graph->input)) << node.name;
    if (before_previous != nullptr && before_previous != buffers.at(graph->input)) {
      EXPECT_EQ(output, before_previous) << node.name;
    }
    buffers.release_inputs(node);
    before_previous = previous;
    previous = output;
  }
}

}  // namespace
}  // namespace coppice::bench
