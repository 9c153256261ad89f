#include "coppice/graph/fold.h"

#include <gtest/gtest.h>

#include "bounded_forward.h"
#include "coppice/graph/builder.h"
#include "random_graph.h"

namespace coppice {
namespace {

using testing::BoundedForward;

// The folded graph's weights were rounded once; the rest is computed in double on both sides.
void expect_same_function(const Graph& original, const Graph& folded, uint64_t seed) {
  const auto input = testing::random_input(original, seed);
  const auto expected = BoundedForward(original, {}).run(input);
  const auto actual = BoundedForward(folded, {.weights = true}).run(input);
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual[i].value, expected[i].value, actual[i].error + 1e-12) << "output " << i;
  }
}

TEST(Fold, RandomGraphsComputeTheSame) {
  int folded_norms = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Graph graph = testing::random_graph(seed);
    if (seed % 2 == 1) testing::prune_randomly(graph, 0.6f, seed);
    SCOPED_TRACE(testing::describe(graph));
    for (const auto& node : graph.nodes) folded_norms += std::holds_alternative<BatchNorm>(node.op);
    for (const auto& pass : {fold_batch_norm, fuse_for_inference}) {
      const auto result = pass(graph);
      ASSERT_TRUE(result.ok()) << result.error().message;
      ASSERT_TRUE(validate(*result).ok()) << validate(*result).error().message;
      EXPECT_EQ(result->tensors.size(), result->nodes.size() + 1);
      expect_same_function(graph, *result, seed);
      if (::testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(folded_norms, 300);
}

TEST(Fold, PrunedWeightsStayExactlyZeroAndMasked) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Graph graph = testing::random_graph(seed);
    testing::prune_randomly(graph, 0.7f, seed);
    SCOPED_TRACE(testing::describe(graph));
    const auto fused = fuse_for_inference(graph);
    ASSERT_TRUE(fused.ok());
    for (const auto& node : fused->nodes) {
      const Parameter* weight = node.parameter("weight");
      if (weight == nullptr) continue;
      ASSERT_EQ(weight->mask, graph.find(node.name)->parameter("weight")->mask);
      for (size_t i = 0; i < weight->mask.size(); ++i) {
        if (weight->mask[i] != 0) continue;
        ASSERT_EQ(weight->value[i], 0.0f);
      }
    }
  }
}

// conv (1x1, 2 channels) with known numbers: factor = gamma / sqrt(variance + epsilon).
TEST(Fold, HandComputed) {
  GraphBuilder builder("hand", {1, 1, 1}, 0);
  Conv2D conv;
  conv.out_channels = 2;
  auto x = builder.add(conv, {builder.input()}, "conv");
  x = builder.add(BatchNorm{0.0f, 0.9f}, {x}, "norm");
  x = builder.add(Relu{}, {x}, "relu");
  Graph graph = std::move(builder).finish(x).value();
  graph.find("conv")->parameter("weight")->value = {3, 5};
  graph.find("conv")->parameter("bias")->value = {1, 2};
  graph.find("norm")->parameter("gamma")->value = {2, -1};
  graph.find("norm")->parameter("beta")->value = {0.5f, 0.25f};
  graph.find("norm")->parameter("mean")->value = {3, 4};
  graph.find("norm")->parameter("variance")->value = {4, 16};
  const Graph fused = fuse_for_inference(graph).value();
  ASSERT_EQ(fused.nodes.size(), 1u);
  EXPECT_EQ(std::get<Conv2D>(fused.nodes[0].op).activation, Activation::kRelu);
  EXPECT_EQ(fused.nodes[0].parameter("weight")->value, (std::vector<float>{3, -1.25f}));
  EXPECT_EQ(fused.nodes[0].parameter("bias")->value, (std::vector<float>{-1.5f, 0.75f}));

  // A channel pruned in gamma and beta is silent after folding, and masked.
  for (const char* name : {"gamma", "beta"}) {
    graph.find("norm")->parameter(name)->mask = {0, 1};
    apply_mask(*graph.find("norm")->parameter(name));
  }
  const Graph pruned = fuse_for_inference(graph).value();
  EXPECT_EQ(pruned.nodes[0].parameter("bias")->value[0], 0.0f);
  EXPECT_EQ(pruned.nodes[0].parameter("bias")->mask, (std::vector<uint8_t>{0, 1}));
}

Graph conv_then(const std::vector<Op>& ops) {
  GraphBuilder builder("chain", {4, 4, 2}, 0);
  Conv2D conv;
  conv.out_channels = 2;
  auto x = builder.add(conv, {builder.input()}, "conv");
  for (const Op& op : ops) x = builder.add(op, {x});
  return std::move(builder).finish(x).value();
}

TEST(Fold, RefusesWhatDoesNotFold) {
  for (const auto& ops :
       {std::vector<Op>{Relu{}, BatchNorm{}}, std::vector<Op>{MaxPool2D{}, BatchNorm{}},
        std::vector<Op>{BatchNorm{}, BatchNorm{}, Relu{}, BatchNorm{}}}) {
    const auto folded = fold_batch_norm(conv_then(ops));
    ASSERT_FALSE(folded.ok());
    EXPECT_NE(folded.error().message.find("batch_norm_" + std::to_string(ops.size())),
              std::string::npos)
        << folded.error().message;
  }
  Graph negative = conv_then({BatchNorm{}});
  negative.nodes[1].parameter("variance")->value[1] = -1.0f;
  EXPECT_FALSE(fold_batch_norm(negative).ok());

  GraphBuilder builder("two_readers", {4, 4, 2}, 0);
  const auto conv =
      builder.add(Conv2D{2, {}, {}, {}, {}, 1, Activation::kNone}, {builder.input()}, "conv");
  const auto norm = builder.add(BatchNorm{}, {conv}, "norm");
  const auto sum = builder.add(Add{}, {conv, norm}, "sum");
  const auto folded = fold_batch_norm(std::move(builder).finish(sum).value());
  ASSERT_FALSE(folded.ok());
  EXPECT_NE(folded.error().message.find("another layer reads"), std::string::npos);
}

TEST(Fold, KeepsAnActivationThatCannotBeFused) {
  // The sum is read by two layers, so its ReLU stays a layer.
  GraphBuilder builder("shared_sum", {4, 4, 2}, 0);
  const auto sum = builder.add(Add{}, {builder.input(), builder.input()}, "sum");
  const auto relu = builder.add(Relu{}, {sum}, "relu");
  const auto both = builder.add(Concat{}, {sum, relu}, "both");
  const Graph fused = fuse_for_inference(std::move(builder).finish(both).value()).value();
  EXPECT_EQ(fused.nodes.size(), 3u);
  // Two clamps in a row: only the first fits into the convolution.
  EXPECT_EQ(fuse_for_inference(conv_then({Relu6{}, Relu{}}))->nodes.size(), 2u);
  // A quantized graph keeps a ReLU that changes the scale.
  Graph quantized = conv_then({Relu{}});
  for (auto& tensor : quantized.tensors) tensor.quantization = ActivationQuantization{8, 0.5f, 0};
  EXPECT_EQ(fuse_for_inference(quantized)->nodes.size(), 1u);
  quantized.tensors.back().quantization->scale = 0.25f;
  EXPECT_EQ(fuse_for_inference(quantized)->nodes.size(), 2u);
}

}  // namespace
}  // namespace coppice
