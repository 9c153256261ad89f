#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "coppice/exec/plan.h"
#include "coppice/graph/builder.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/quantize.h"
#include "coppice/train/fit.h"
#include "train/memory_dataset.h"
#include "train/network.h"

namespace coppice::train {
namespace {

using coppice::testing::blobs;
using coppice::testing::MemoryDataset;

// Batch norms with statistics that are not the initial ones.
void stir_statistics(Graph& graph, uint64_t seed) {
  Random random(seed, "statistics");
  for (Node& node : graph.nodes) {
    for (Parameter& parameter : node.parameters) {
      for (float& value : parameter.value) {
        if (parameter.name == "mean" || parameter.name == "beta")
          value = random.uniform(-0.3f, 0.3f);
        if (parameter.name == "variance") value = random.uniform(0.5f, 2.0f);
        if (parameter.name == "gamma") value = random.uniform(0.5f, 1.5f);
      }
    }
  }
}

// The trainer's inference and the reference executor compute the same real numbers, the latter with
// batch norms folded. Each of a layer's K products and sums rounds once by epsilon / 2;
// probabilities change at most by the logits' change, and layers with He weights keep the size of
// what they get.
TEST(Inference, EqualsTheReferenceExecutor) {
  for (const auto& entry : zoo()) {
    Graph graph = make_zoo_model(entry.name, {}, 0, 3).value();
    if (!std::holds_alternative<Softmax>(graph.nodes.back().op)) continue;  // No probabilities.
    stir_statistics(graph, 5);
    int64_t terms = 0;
    for (const Node& node : graph.nodes) {
      if (const Parameter* weight = node.parameter("weight")) {
        terms += weight->shape.elements() / weight->shape[0];
      }
    }
    auto plan = exec::compile(graph);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
      if (!isa_supported(isa)) continue;
      ParameterStore parameters(graph);
      Network network(graph, parameters, kernels_for(isa), {3, Mode::kInference, 0.0f});
      ThreadPool pool(2);
      std::vector<float> x(static_cast<size_t>(graph.input_shape().elements()));
      Random random(2, entry.name);
      for (float& value : x) value = random.uniform(-1.0f, 1.0f);
      for (int i = 0; i < 3; ++i) std::copy(x.begin(), x.end(), network.input(i).begin());
      network.infer(pool, 3);
      std::vector<float> expected(static_cast<size_t>(network.classes()));
      (*plan)->run(x, expected);
      for (int i = 0; i < 3; ++i) {
        const auto logits = network.logits(i);
        const float largest = *std::max_element(logits.begin(), logits.end());
        double sum = 0;
        for (float logit : logits) sum += std::exp(logit - largest);
        for (size_t c = 0; c < expected.size(); ++c) {
          EXPECT_NEAR(std::exp(logits[c] - largest) / sum, expected[c],
                      std::numeric_limits<float>::epsilon() * static_cast<double>(terms))
              << entry.name << " " << isa_name(isa);
        }
      }
    }
  }
}

Graph trained_network(const MemoryDataset& dataset) {
  GraphBuilder g("evaluated", dataset.sample_shape(), 1);
  Conv2D conv;
  conv.out_channels = 8;
  conv.kernel = {3, 3};
  conv.padding = {1, 1, 1, 1};
  auto x = g.add(conv, {g.input()}, "conv", false);
  x = g.add(Relu{}, {g.add(BatchNorm{}, {x}, "norm")}, "relu");
  x = g.add(Dropout{0.2f}, {g.add(GlobalAvgPool{}, {x}, "pool")}, "dropout");
  const auto classes = static_cast<int>(dataset.class_names().size());
  x = g.add(FullyConnected{classes, Activation::kNone}, {x}, "fc");
  Graph graph = std::move(g).finish(g.add(Softmax{}, {x}, "softmax")).value();
  TrainOptions options;
  options.epochs = 10;
  options.batch_size = 16;
  options.learning_rate = 0.02f;
  EXPECT_TRUE(fit(graph, dataset, options).ok());
  return graph;
}

TEST(Evaluate, CountsWhatTheConfusionSays) {
  const auto dataset = blobs({6, 5, 2}, 4, 80, 70, 0.5f, 2);
  const Graph graph = trained_network(dataset);
  const auto one = evaluate(graph, dataset, data::Split::kTest, 1);
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->samples, 70);
  int total = 0, diagonal = 0;
  for (size_t a = 0; a < 4; ++a) {
    int row = 0;
    for (size_t b = 0; b < 4; ++b) row += one->confusion[a][b];
    EXPECT_EQ(row, a < 2 ? 18 : 17);  // 70 samples, class i % 4.
    total += row;
    diagonal += one->confusion[a][a];
  }
  EXPECT_EQ(total, 70);
  EXPECT_EQ(diagonal, one->correct);
  EXPECT_GT(one->accuracy(), 0.6);
  const auto three = evaluate(graph, dataset, data::Split::kTest, 3);
  ASSERT_TRUE(three.ok());
  EXPECT_EQ(three->loss, one->loss);
  EXPECT_EQ(three->confusion, one->confusion);
}

TEST(Evaluate, RunsQuantizedGraphsInIntegers) {
  const auto dataset = blobs({6, 5, 2}, 4, 80, 70, 0.7f, 2);
  const Graph graph = trained_network(dataset);
  const auto quantized = quant::quantize(graph, dataset, {});
  ASSERT_TRUE(quantized.ok()) << quantized.error().message;
  auto plan = exec::compile(*quantized);
  ASSERT_TRUE(plan.ok());
  int correct = 0;
  std::vector<float> x(60), y(4);
  for (int i = 0; i < 70; ++i) {
    dataset.sample(data::Split::kTest, i, 0, x);
    (*plan)->run(x, y);
    const auto best = std::max_element(y.begin(), y.end()) - y.begin();
    correct += best == dataset.label(data::Split::kTest, i);
  }
  for (int threads : {1, 3}) {
    const auto evaluation = evaluate(*quantized, dataset, data::Split::kTest, threads);
    ASSERT_TRUE(evaluation.ok()) << evaluation.error().message;
    EXPECT_EQ(evaluation->correct, correct);
    EXPECT_GT(evaluation->loss, 0.0);
  }
}

TEST(Evaluate, ErrorsNameWhatDoesNotFit) {
  const auto dataset = blobs({6, 5, 2}, 4, 8, 8, 1.0f, 2);
  const auto graph = make_zoo_model("tiny_conv", {}, 4, 1);
  const auto evaluation = evaluate(*graph, dataset, data::Split::kTest);
  ASSERT_FALSE(evaluation.ok());
  EXPECT_NE(evaluation.error().message.find("6x5x2"), std::string::npos);
}

// One batch: the running statistics become that batch's mean and unbiased variance, exactly as a
// direct computation gives them.
TEST(Recalibrate, TakesTheStatisticsOfTheSamples) {
  const auto dataset = blobs({4, 4, 3}, 3, 40, 0, 1.0f, 6);
  GraphBuilder g("norm", {4, 4, 3}, 1);
  auto x = g.add(BatchNorm{}, {g.input()}, "norm");
  x = g.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  Graph graph = std::move(g).finish(x).value();
  stir_statistics(graph, 1);
  ASSERT_TRUE(recalibrate_batch_norm(graph, dataset, 40, 0).ok());
  const double count = 40 * 16;
  std::vector<double> mean(3, 0.0), squares(3, 0.0);
  std::vector<float> sample(48);
  for (int pass = 0; pass < 2; ++pass) {
    for (int i = 0; i < 40; ++i) {
      dataset.sample(data::Split::kTrain, i, 0, sample);
      for (size_t j = 0; j < sample.size(); ++j) {
        const double d = sample[j] - mean[j % 3];
        if (pass == 0) squares[j % 3] += sample[j] / count;
        if (pass == 1) squares[j % 3] += d * d;
      }
    }
    if (pass == 0) std::swap(mean, squares);
  }
  const Node& norm = *graph.find("norm");
  const double epsilon = std::numeric_limits<float>::epsilon();
  for (size_t c = 0; c < 3; ++c) {
    const double variance = squares[c] / (count - 1);
    // Float sums over at most 640 values a channel, less a value near the mean.
    EXPECT_NEAR(norm.parameter("mean")->value[c], mean[c], 640 * epsilon);
    EXPECT_NEAR(norm.parameter("variance")->value[c], variance, 640 * epsilon * variance);
  }
}

TEST(Recalibrate, RepairsSpoiledStatistics) {
  const auto dataset = blobs({6, 5, 2}, 4, 256, 100, 0.7f, 2);
  Graph graph = trained_network(dataset);
  const auto before = evaluate(graph, dataset, data::Split::kTest);
  for (float& value : graph.find("norm")->parameter("mean")->value) value += 3.0f;
  const auto spoiled = evaluate(graph, dataset, data::Split::kTest);
  ASSERT_TRUE(recalibrate_batch_norm(graph, dataset, 256, 0).ok());
  const auto after = evaluate(graph, dataset, data::Split::kTest);
  EXPECT_LT(spoiled->accuracy(), before->accuracy() - 0.2);
  EXPECT_GE(after->accuracy(), before->accuracy() - 0.05);
}

}  // namespace
}  // namespace coppice::train
