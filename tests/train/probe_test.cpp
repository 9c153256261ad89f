#include "coppice/train/probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "coppice/graph/builder.h"
#include "random_graph.h"
#include "train/loss.h"
#include "train/memory_dataset.h"

namespace coppice::train {
namespace {

SampleSet random_samples(const Graph& graph, int count, uint64_t seed) {
  SampleSet samples;
  samples.shape = graph.input_shape();
  for (int i = 0; i < count; ++i) {
    for (const double value : testing::random_input(graph, seed + static_cast<uint64_t>(i))) {
      samples.values.push_back(static_cast<float>(value));
    }
    samples.labels.push_back(i % static_cast<int>(graph.output_shape().elements()));
  }
  return samples;
}

// Smooth networks: no ReLU or maximum whose kink a difference quotient could straddle.
Graph smooth_network() {
  GraphBuilder g("smooth", {5, 4, 3}, 2);
  Conv2D conv;
  conv.out_channels = 4;
  conv.kernel = {3, 2};
  auto x = g.add(conv, {g.input()}, "conv", false);
  x = g.add(BatchNorm{}, {x}, "norm");
  x = g.add(Dropout{0.5f}, {x}, "dropout");
  x = g.add(DepthwiseConv2D{}, {x}, "dw");
  x = g.add(AvgPool2D{{2, 2}, {1, 1}, {}}, {x}, "pool");
  x = g.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  Graph graph = std::move(g).finish(x).value();
  Random random(7, "statistics");
  for (float& value : graph.find("norm")->parameter("mean")->value) {
    value = random.uniform(-0.5f, 0.5f);
  }
  for (float& value : graph.find("norm")->parameter("variance")->value) {
    value = random.uniform(0.3f, 2.0f);
  }
  return graph;
}

// Central differences of the mean loss of the inference pass: running statistics, no dropout.
TEST(Probe, GradientsAreThoseOfTheInferenceLoss) {
  Graph graph = smooth_network();
  const SampleSet samples = random_samples(graph, 7, 3);
  const auto differentiator =
      Differentiator::make(graph, samples, 3, ProbeLoss::kCrossEntropy, 2).value();
  EXPECT_EQ(differentiator->batches(), 3);
  Gradients gradients;
  differentiator->mean_gradients(gradients);
  const auto loss = [&] {
    return score_logits(logits_of(graph, samples, 1).value(), samples.labels).loss;
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (size_t p = 0; p < graph.nodes[n].parameters.size(); ++p) {
      Parameter& parameter = graph.nodes[n].parameters[p];
      ASSERT_EQ(gradients[n][p].size(), parameter.trainable() ? parameter.value.size() : 0);
      for (size_t i = 0; i < gradients[n][p].size(); i += 5) {
        const float old = parameter.value[i];
        const float step = 0.02f;
        parameter.value[i] = old + step;
        const double high = loss();
        parameter.value[i] = old - step;
        const double low = loss();
        parameter.value[i] = old;
        // Logits of about 1 carry 1e-6; third derivatives of the loss are below 1.
        EXPECT_NEAR(gradients[n][p][i], (high - low) / (2.0 * step), 5e-4) << parameter.name;
      }
    }
  }
}

TEST(Probe, SumOfOutputsByHand) {
  GraphBuilder g("linear", {2}, 1);
  const auto y = g.add(FullyConnected{3, Activation::kNone}, {g.input()}, "fc");
  Graph graph = std::move(g).finish(y).value();
  const SampleSet samples{{2}, {2, -5}, {0}};
  const auto differentiator =
      Differentiator::make(graph, samples, 1, ProbeLoss::kSumOfOutputs).value();
  Gradients gradients;
  differentiator->mean_gradients(gradients);
  EXPECT_EQ(gradients[0][0], (std::vector<float>{2, -5, 2, -5, 2, -5}));
  EXPECT_EQ(gradients[0][1], (std::vector<float>{1, 1, 1}));
}

TEST(Probe, PrunedElementsHaveGradientsToo) {
  Graph graph = smooth_network();
  testing::prune_randomly(graph, 0.5f, 1);
  const SampleSet samples = random_samples(graph, 4, 3);
  const auto differentiator =
      Differentiator::make(graph, samples, 4, ProbeLoss::kCrossEntropy).value();
  Gradients gradients;
  differentiator->mean_gradients(gradients);
  const Parameter& weight = *graph.find("fc")->parameter("weight");
  int nonzero = 0;
  for (size_t i = 0; i < weight.mask.size(); ++i) {
    nonzero += weight.mask[i] == 0 && gradients[5][0][i] != 0.0f;
  }
  EXPECT_GT(nonzero, 5);
}

TEST(Probe, DrawsAreSeededAndDistinct) {
  testing::MemoryDataset dataset({1}, 2);
  for (int i = 0; i < 50; ++i) {
    dataset.add(data::Split::kTrain, {static_cast<float>(i)}, i % 2);
  }
  const auto first = draw_samples(dataset, data::Split::kTrain, 20, 3).value();
  EXPECT_EQ(first.values, draw_samples(dataset, data::Split::kTrain, 20, 3)->values);
  EXPECT_NE(first.values, draw_samples(dataset, data::Split::kTrain, 20, 4)->values);
  EXPECT_EQ(std::set<float>(first.values.begin(), first.values.end()).size(), 20u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(static_cast<int>(first.sample(i)[0]) % 2, first.labels[static_cast<size_t>(i)]);
  }
  EXPECT_EQ(draw_samples(dataset, data::Split::kTrain, 1000, 3)->size(), 50);
  EXPECT_FALSE(draw_samples(dataset, data::Split::kTest, 10, 3).ok());
}

TEST(Distillation, LossByHandAndGradientByDifferences) {
  const float student[] = {0.5f, -1.0f, 2.0f}, teacher[] = {1.0f, 0.0f, -1.0f};
  EXPECT_NEAR(distillation_loss(teacher, teacher, 3, 4.0f, 1.0f, nullptr), 0.0, 1e-9);
  // T = 2: softmax(0.25, -0.5, 1), softmax(0.5, 0, -0.5).
  const double p[] = {0.27860, 0.13160, 0.58980};
  const double q[] = {0.50648, 0.30720, 0.18632};
  double expected = 0;
  for (int c = 0; c < 3; ++c) expected += 4 * q[c] * std::log(q[c] / p[c]);
  EXPECT_NEAR(distillation_loss(student, teacher, 3, 2.0f, 1.0f, nullptr), expected, 5e-4);
  float gradient[3] = {10, 20, 30};
  distillation_loss(student, teacher, 3, 2.0f, 0.5f, gradient);
  for (int c = 0; c < 3; ++c) {
    float high[3], low[3];
    std::copy(student, student + 3, high);
    std::copy(student, student + 3, low);
    high[c] += 0.01f;
    low[c] -= 0.01f;
    const double slope = (distillation_loss(high, teacher, 3, 2.0f, 1.0f, nullptr) -
                          distillation_loss(low, teacher, 3, 2.0f, 1.0f, nullptr)) /
                         (double{high[c]} - low[c]);
    EXPECT_NEAR(gradient[c] - 10.0f * static_cast<float>(c + 1), 0.5 * slope, 1e-4);
  }
}

TEST(Distillation, AStudentWithoutLabelsFollowsItsTeacher) {
  // The labels are wrong on purpose; the teacher knows better.
  const auto truth = testing::blobs({6}, 3, 90, 60, 0.4f, 2);
  testing::MemoryDataset wrong({6}, 3);
  std::vector<float> x(6);
  for (int i = 0; i < 90; ++i) {
    truth.sample(data::Split::kTrain, i, 0, x);
    wrong.add(data::Split::kTrain, x, (truth.label(data::Split::kTrain, i) + 1) % 3);
  }
  GraphBuilder g("net", {6}, 3);
  auto y = g.add(FullyConnected{8, Activation::kRelu}, {g.input()}, "hidden");
  y = g.add(FullyConnected{3, Activation::kNone}, {y}, "fc");
  const Graph fresh = std::move(g).finish(y).value();
  TrainOptions options;
  options.epochs = 20;
  options.learning_rate = 0.01f;
  Graph teacher = fresh;
  ASSERT_TRUE(fit(teacher, truth, options).ok());
  options.distillation = 1.0f;
  Graph student = fresh;
  EXPECT_FALSE(fit(student, wrong, options).ok());  // No teacher.
  ASSERT_TRUE(fit(student, wrong, options, {}, {&teacher, nullptr}).ok());
  EXPECT_GT(evaluate(student, truth, data::Split::kValidation)->accuracy(), 0.8);
}

}  // namespace
}  // namespace coppice::train
