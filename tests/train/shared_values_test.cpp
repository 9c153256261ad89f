// Weights that share values, found in a quantized graph and kept by training for integers.

#include "coppice/train/shared_values.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "coppice/graph/builder.h"
#include "coppice/quant/quantize.h"
#include "coppice/train/fit.h"
#include "train/memory_dataset.h"

namespace coppice::train {
namespace {

Graph network() {
  GraphBuilder g("net", {6}, 3);
  auto x = g.add(FullyConnected{8, Activation::kRelu}, {g.input()}, "hidden");
  x = g.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  return std::move(g).finish(x).value();
}

// Every third weight of "hidden" is pruned, the others take one of three values or its opposite.
Graph clustered() {
  Graph graph = network();
  Parameter& weight = graph.nodes[0].parameters[0];
  weight.mask.assign(weight.value.size(), 1);
  for (size_t i = 0; i < weight.value.size(); ++i) {
    const float magnitude = std::array{0.2f, 0.5f, 0.9f}[i % 7 % 3];
    weight.value[i] = i % 5 < 2 ? -magnitude : magnitude;
    if (i % 3 == 0) weight.mask[i] = 0, weight.value[i] = 0.0f;
  }
  return graph;
}

Graph quantized(const Graph& graph, const data::Dataset& data) {
  quant::QuantizeOptions options;
  options.per_channel = false;
  return *quant::quantize(graph, data, options);
}

std::set<int32_t> kept_integers(const Graph& graph) {
  const Parameter& weight = graph.nodes[0].parameters[0];
  std::set<int32_t> integers;
  for (size_t i = 0; i < weight.value.size(); ++i) {
    const int32_t value = weight.quantized->values[i];
    if (weight.mask[i] != 0) {
      integers.insert(value);
    } else {
      EXPECT_EQ(value, 0);
      EXPECT_EQ(weight.value[i], 0.0f);
    }
  }
  return integers;
}

TEST(SharedValues, AreFoundByMagnitude) {
  const auto data = testing::blobs({6}, 3, 60, 30, 0.3f, 2);
  const auto layers = find_shared(quantized(clustered(), data));
  ASSERT_EQ(layers.size(), 1u);  // "fc" has weights of its own.
  EXPECT_EQ(layers[0].node, 0u);
  EXPECT_EQ(layers[0].values, 3);
  EXPECT_EQ(layers[0].shared[0], -1);  // Pruned.
  EXPECT_EQ(layers[0].signs[1], -1.0f);
  // Weights that are their integers, as those of an imported model, tell nothing.
  Graph imported = quantized(clustered(), data);
  for (Node& node : imported.nodes) {
    Parameter& weight = *node.parameter("weight");
    weight.value = dequantize(weight);
  }
  EXPECT_TRUE(find_shared(imported).empty());
}

TEST(SharedValues, SurviveTrainingForIntegers) {
  const auto data = testing::blobs({6}, 3, 60, 30, 0.3f, 2);
  const Graph start = quantized(clustered(), data);
  TrainOptions options;
  options.epochs = 10;
  options.batch_size = 10;
  options.learning_rate = 0.03f;
  for (const bool keep : {true, false}) {
    for (const auto rule : {WeightScaleRule::kLearned, WeightScaleRule::kMax}) {
      options.keep_shared_values = keep;
      options.weight_scale_rule = rule;
      Graph graph = start;
      ASSERT_TRUE(fit(graph, data, options).ok());
      EXPECT_NE(graph.nodes[0].parameters[0].value, start.nodes[0].parameters[0].value);
      if (keep) {
        EXPECT_LE(kept_integers(graph).size(), 6u);  // Three and their opposites.
      } else {
        EXPECT_GT(kept_integers(graph).size(), 6u);
      }
      EXPECT_GT(evaluate(graph, data, data::Split::kValidation)->accuracy(), 0.6);
    }
  }
}

}  // namespace
}  // namespace coppice::train
