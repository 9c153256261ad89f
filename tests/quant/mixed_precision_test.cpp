#include "coppice/quant/mixed_precision.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coppice/core/random.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/ladder.h"
#include "coppice/train/fit.h"
#include "train/memory_dataset.h"

namespace coppice::quant {
namespace {

using coppice::testing::blobs;

std::vector<LayerChoices> random_choices(uint64_t seed) {
  Random random(seed, "choices");
  std::vector<LayerChoices> layers;
  for (int l = 0; l < 6; ++l) {
    LayerChoices layer{"layer" + std::to_string(l), {}};
    for (const int bits : {8, 4, 3, 2}) {
      layer.choices.push_back({bits, std::floor(random.uniform(1.0f, 40.0f)) * bits,
                               random.uniform(0.0f, 1.0f) / bits});
    }
    layers.push_back(layer);
  }
  return layers;
}

// The least loss of all combinations.
double least_loss(const std::vector<LayerChoices>& layers, double budget, size_t from = 0) {
  if (budget < 0) return HUGE_VAL;
  if (from == layers.size()) return 0;
  double least = HUGE_VAL;
  for (const Choice& choice : layers[from].choices) {
    least = std::min(least, choice.loss + least_loss(layers, budget - choice.price, from + 1));
  }
  return least;
}

TEST(MixedPrecision, ExactIsTheBestOfAllAndGreedyKeepsTheBudget) {
  int solved = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto layers = random_choices(seed);
    for (const double budget : {100.0, 250.0, 400.0, 700.0, 5000.0}) {
      const double expected = least_loss(layers, budget);
      const auto exact = assign_exactly(layers, budget);
      const auto greedy = assign_greedily(layers, budget);
      ASSERT_EQ(exact.ok(), std::isfinite(expected));
      ASSERT_EQ(greedy.ok(), exact.ok());
      if (!exact.ok()) continue;
      ++solved;
      EXPECT_NEAR(exact->loss, expected, 1e-9);
      EXPECT_LE(exact->price, budget);
      EXPECT_LE(greedy->price, budget);
      EXPECT_GE(greedy->loss, exact->loss - 1e-9);
      double price = 0, loss = 0;
      for (size_t l = 0; l < layers.size(); ++l) {
        for (const Choice& choice : layers[l].choices) {
          if (choice.bits == exact->bits[l]) price += choice.price, loss += choice.loss;
        }
      }
      EXPECT_NEAR(price, exact->price, 1e-9);
      EXPECT_NEAR(loss, exact->loss, 1e-9);
    }
  }
  EXPECT_GT(solved, 20);
}

struct Model {
  Model() : dataset(blobs({49, 10, 1}, 4, 64, 48, 1.0f, 3)) {
    graph = *make_zoo_model("ds_cnn", {49, 10, 1}, 4, 3);
    train::TrainOptions options;
    options.epochs = 2;
    options.batch_size = 16;
    EXPECT_TRUE(train::fit(graph, dataset, options).ok());
  }
  coppice::testing::MemoryDataset dataset;
  Graph graph;
};
const Model& model() {
  static const Model instance;
  return instance;
}

int64_t weight_bytes(const Graph& graph) {
  int64_t bytes = 0;
  for (const Node& node : graph.nodes) {
    if (const Parameter* weight = node.parameter("weight")) bytes += stored_bytes(*weight);
  }
  return bytes;
}

TEST(MixedPrecision, KeepsTheBudgetOfAModel) {
  QuantizeOptions options;
  options.calibration_samples = 16;
  const auto bytes_at = [&](int bits) {
    QuantizeOptions uniform = options;
    uniform.weight_bits = bits;
    return weight_bytes(*quantize(model().graph, model().dataset, uniform));
  };
  const int64_t most = bytes_at(8), least = bytes_at(2);
  for (const char* solver : {"exact", "greedy"}) {
    options.mixed_solver = solver;
    options.budget_bytes = static_cast<int>((most + least) / 2);
    const auto result = quantize(model().graph, model().dataset, options);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_LE(weight_bytes(*result), options.budget_bytes);
    EXPECT_GT(weight_bytes(*result), least);
    EXPECT_NE(result->metadata.at("layer_bits").find("="), std::string::npos);
  }
  options.budget_bytes = static_cast<int>(least) - 1;
  const auto result = quantize(model().graph, model().dataset, options);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("budget"), std::string::npos);
  options.budget_bytes = 0;
  options.budget_us = 1e6f;  // Enough for anything: as many bits as there are.
  const auto timed = quantize(model().graph, model().dataset, options);
  ASSERT_TRUE(timed.ok()) << timed.error().message;
}

TEST(Sensitivity, EachLayerAndWidthOnce) {
  SensitivityOptions options;
  options.samples = 32;
  options.quantize.calibration_samples = 16;
  const auto scan = scan_sensitivity(model().graph, model().dataset, options);
  ASSERT_TRUE(scan.ok()) << scan.error().message;
  const Graph fused = *fuse_for_inference(model().graph);
  size_t layers = 0;
  for (const Node& node : fused.nodes) layers += node.parameter("weight") != nullptr ? 1 : 0;
  ASSERT_EQ(scan->size(), 3 * layers);
  double alone = 0, all_but = 0;
  for (size_t i = 0; i < scan->size(); i += 3) {
    const auto &eight = (*scan)[i], &four = (*scan)[i + 1], &two = (*scan)[i + 2];
    EXPECT_EQ(eight.layer, two.layer);
    EXPECT_GT(eight.weight_sqnr_db, four.weight_sqnr_db + 15.0);
    EXPECT_GT(four.weight_sqnr_db, two.weight_sqnr_db);
    EXPECT_GT(eight.weight_sqnr_db, 30.0);
    EXPECT_GT(eight.activation_sqnr_db, 20.0);
    EXPECT_EQ(eight.weight_bytes, 2 * four.weight_bytes);
    EXPECT_GT(eight.alone.fidelity.sqnr_db, two.alone.fidelity.sqnr_db);
    alone += two.alone.fidelity.divergence;
    all_but += two.all_but.fidelity.divergence;
  }
  EXPECT_GT(all_but, alone);
}

TEST(Ladder, EachRungAndItsRecipe) {
  QuantizeOptions options;
  options.weight_bits = 4;
  options.calibration_samples = 16;
  options.adaround_iterations = 20;
  std::vector<std::string> heard;
  const auto rungs = climb(model().graph, model().dataset, options,
                           [&](const Rung& rung) { heard.push_back(rung.step); });
  ASSERT_TRUE(rungs.ok()) << rungs.error().message;
  ASSERT_EQ(rungs->size(), 10u);
  EXPECT_EQ(heard.size(), rungs->size());
  EXPECT_EQ((*rungs)[0].step, "float");
  EXPECT_FALSE((*rungs)[1].options.per_channel);
  EXPECT_TRUE((*rungs)[2].options.per_channel);
  for (const Rung& rung : *rungs) {
    const bool is_float = rung.step == "float";
    EXPECT_EQ(rung.options.weight_bits, is_float ? 8 : 4);
    EXPECT_EQ(std::isfinite(rung.fidelity.sqnr_db), !is_float);
    // The recipe alone gives the same model again.
    if (rung.step != "AdaRound") continue;
    const auto again = quantize(model().graph, model().dataset, rung.options);
    const auto evaluation = train::evaluate(*again, model().dataset, data::Split::kValidation);
    EXPECT_EQ(evaluation->accuracy(), rung.accuracy);
  }
}

}  // namespace
}  // namespace coppice::quant
