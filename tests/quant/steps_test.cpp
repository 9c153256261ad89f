// The ladder's steps, each on its own: what it promises, and that sparsity survives it.
#include "coppice/quant/steps.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/exec/plan.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/fidelity.h"
#include "coppice/quant/qat.h"
#include "coppice/train/fit.h"
#include "random_graph.h"
#include "train/memory_dataset.h"

namespace coppice::quant {
namespace {

using coppice::testing::blobs;
using coppice::testing::MemoryDataset;

const Shape kShape{10, 8, 3};

// conv -> depthwise -> pool -> 1x1 conv -> flatten -> classifier, with batch norms and ReLUs.
Graph model(uint64_t seed) {
  GraphBuilder g("model", kShape, seed);
  const auto block = [&](Op op, int x, const std::string& name) {
    x = g.add(BatchNorm{}, {g.add(op, {x}, name, false)}, name + "_norm");
    return g.add(Relu{}, {x}, name + "_relu");
  };
  int x = block(Conv2D{12, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}}, g.input(), "conv1");
  x = block(DepthwiseConv2D{1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}}, x, "depthwise");
  x = g.add(AvgPool2D{{2, 2}, {2, 2}, {}}, {x}, "pool");
  x = block(Conv2D{16, {1, 1}, {1, 1}, {1, 1}, {}}, x, "conv2");
  x = g.add(FullyConnected{4}, {g.add(Flatten{}, {x}, "flat")}, "classifier");
  return *std::move(g).finish(g.add(Softmax{}, {x}, "softmax"));
}

struct Trained {
  Trained() : dataset(blobs(kShape, 4, 256, 64, 1.0f, 3)), graph(model(3)) {
    train::TrainOptions options;
    options.epochs = 4;
    options.batch_size = 32;
    EXPECT_TRUE(train::fit(graph, dataset, options).ok());
    samples = load_samples(dataset, balanced_subset(dataset, 64, 1));
    fused = *fuse_for_inference(graph);
  }
  MemoryDataset dataset;
  Graph graph, fused;
  Samples samples;
};

const Trained& trained() {
  static const Trained instance;
  return instance;
}

Fidelity fidelity(const Graph& changed) {
  return compare_logits(*logits_of(trained().fused, trained().samples),
                        *logits_of(changed, trained().samples));
}

TEST(Equalize, KeepsTheFunctionAndEvensRanges) {
  Graph graph = trained().fused;
  // Channels of very different sizes, as separable networks have them.
  MomentsByLayer moments = batch_norm_moments(trained().graph);
  EXPECT_EQ(moments.size(), 3u);
  Graph uneven = graph;
  Parameter& first = *uneven.find("conv1")->parameter("weight");
  Parameter& second = *uneven.find("depthwise")->parameter("weight");
  for_each_element(first.shape, 0, [&](size_t c, size_t i) { first.value[i] *= c % 2 ? 16 : 1; });
  for (size_t c = 1; c < 12; c += 2) uneven.find("conv1")->parameter("bias")->value[c] *= 16;
  for_each_element(second.shape, 2, [&](size_t c, size_t i) { second.value[i] /= c % 2 ? 16 : 1; });
  EXPECT_GT(fidelity(uneven).sqnr_db, 90.0);
  const auto reach = [](const Graph& g, const char* layer) {
    const Node& node = *g.find(layer);
    const Parameter& weight = *node.parameter("weight");
    const int axis = channel_axis(node.op);
    std::vector<float> largest(scale_count(weight.shape, axis), 0.0f);
    for_each_element(weight.shape, axis, [&](size_t c, size_t i) {
      largest[c] = std::max(largest[c], std::abs(weight.value[i]));
    });
    const auto [low, high] = std::minmax_element(largest.begin(), largest.end());
    return *high / *low;
  };
  const float before = reach(uneven, "conv1");
  EXPECT_EQ(equalize(uneven, moments), 3);  // conv1, depthwise, conv2 and what reads each.
  EXPECT_GT(fidelity(uneven).sqnr_db, 90.0);
  EXPECT_LT(reach(uneven, "conv1"), 0.5f * before);
  // One scale a tensor now suffices far better.
  QuantizeOptions options;
  options.per_channel = false;
  const auto plain = quantize(graph, trained().samples, options);
  const auto even = quantize(uneven, trained().samples, options);
  EXPECT_GT(fidelity(*even).sqnr_db, fidelity(*plain).sqnr_db - 6.0);
}

TEST(Equalize, KeepsTheFunctionOfRandomGraphs) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Graph graph = *fuse_for_inference(coppice::testing::random_graph(seed));
    coppice::testing::prune_randomly(graph, 0.5f, seed);
    for (Node& node : graph.nodes) {
      for (Parameter& parameter : node.parameters) apply_mask(parameter);
    }
    Samples samples;
    for (uint64_t i = 0; i < 3; ++i) {
      Random random(i, "samples");
      samples.emplace_back(static_cast<size_t>(graph.input_shape().elements()));
      for (float& value : samples.back()) value = random.normal();
    }
    Graph even = graph;
    MomentsByLayer moments;
    equalize(even, moments);
    const auto a = *logits_of(graph, samples), b = *logits_of(even, samples);
    for (size_t i = 0; i < a.size(); ++i) {
      float largest = 1e-3f;
      for (const float value : a[i]) largest = std::max(largest, std::abs(value));
      for (size_t k = 0; k < a[i].size(); ++k) {
        EXPECT_NEAR(b[i][k], a[i][k], 1e-3f * largest) << seed;
      }
    }
    for (const Node& node : even.nodes) {
      for (const Parameter& parameter : node.parameters) {
        for (size_t i = 0; i < parameter.value.size(); ++i) {
          EXPECT_TRUE(is_kept(parameter, i) || parameter.value[i] == 0.0f);
        }
      }
    }
  }
}

// The mean error of each logit over the samples, largest.
double mean_shift(const Graph& changed) {
  const auto a = *logits_of(trained().fused, trained().samples);
  const auto b = *logits_of(changed, trained().samples);
  double largest = 0;
  for (size_t k = 0; k < a[0].size(); ++k) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += double{b[i][k]} - double{a[i][k]};
    largest = std::max(largest, std::abs(sum / static_cast<double>(a.size())));
  }
  return largest;
}

TEST(BiasCorrection, EmpiricalTakesTheMeanShiftAway) {
  QuantizeOptions options;
  options.weight_bits = 3;
  const Graph plain = *quantize(trained().graph, trained().samples, options);
  options.bias_correction = "empirical";
  const Graph corrected = *quantize(trained().graph, trained().samples, options);
  EXPECT_LT(mean_shift(corrected), 0.3 * mean_shift(plain));
}

TEST(BiasCorrection, AnalyticPredictsTheMeanShift) {
  // Statistics of the trained weights, so that the moments hold.
  Graph graph = trained().graph;
  ASSERT_TRUE(train::recalibrate_batch_norm(graph, trained().dataset, 256, 1).ok());
  const Graph fused = *fuse_for_inference(graph);
  QuantizeOptions options;
  options.weight_bits = 3;
  const Graph plain = *quantize(graph, trained().samples, options);
  Graph corrected = plain;
  // Pool and flatten keep means: all layers but the first have moments.
  EXPECT_EQ(correct_bias_analytically(fused, corrected, batch_norm_moments(graph)), 3);
  const auto reference = *logits_of(fused, trained().samples);
  const auto error = [&](const Graph& changed) {
    return compare_logits(reference, *logits_of(changed, trained().samples)).sqnr_db;
  };
  EXPECT_GT(error(corrected), error(plain));
}

TEST(WeightRounding, BeatsNearestAndMovesByOneStepAtMost) {
  for (const int bits : {4, 3}) {
    QuantizeOptions options;
    options.weight_bits = bits;
    options.weight_scale = WeightScale::kMse;
    const Graph nearest = *quantize(trained().graph, trained().samples, options);
    options.weight_rounding = "adaround";
    const auto adaround = quantize(trained().graph, trained().samples, options);
    ASSERT_TRUE(adaround.ok()) << adaround.error().message;
    options.weight_rounding = "gptq";
    const auto gptq = quantize(trained().graph, trained().samples, options);
    ASSERT_TRUE(gptq.ok()) << gptq.error().message;
    EXPECT_GT(fidelity(*adaround).sqnr_db, fidelity(nearest).sqnr_db + 1.0) << bits;
    EXPECT_GT(fidelity(*gptq).sqnr_db, fidelity(nearest).sqnr_db + 1.0) << bits;
    int64_t moved = 0;
    for (size_t n = 0; n < nearest.nodes.size(); ++n) {
      const Parameter* weight = nearest.nodes[n].parameter("weight");
      if (weight == nullptr) continue;
      const auto& learned = adaround->nodes[n].parameter("weight")->quantized->values;
      EXPECT_EQ(adaround->nodes[n].parameter("weight")->quantized->scales,
                weight->quantized->scales);
      for (size_t i = 0; i < learned.size(); ++i) {
        EXPECT_LE(std::abs(learned[i] - weight->quantized->values[i]), 1);
        moved += learned[i] != weight->quantized->values[i] ? 1 : 0;
      }
    }
    EXPECT_GT(moved, 10);
  }
}

TEST(WeightRounding, SameBitsForTheSameSeed) {
  for (const char* rounding : {"adaround", "gptq"}) {
    QuantizeOptions options;
    options.weight_bits = 4;
    options.weight_rounding = rounding;
    options.adaround_iterations = 50;
    const Graph a = *quantize(trained().graph, trained().samples, options);
    const Graph b = *quantize(trained().graph, trained().samples, options);
    EXPECT_EQ(a.nodes[0].parameter("weight")->quantized->values,
              b.nodes[0].parameter("weight")->quantized->values);
  }
}

TEST(Sparsity, SurvivesEveryStepAndTheirCombination) {
  Graph graph = trained().graph;
  coppice::testing::prune_randomly(graph, 0.7f, 9);
  int recipes = 0;
  for (const char* rounding : {"nearest", "adaround", "gptq"}) {
    for (const char* correction : {"none", "empirical", "analytic"}) {
      for (const bool even : {false, true}) {
        for (const int bits : {8, 4, 2}) {
          QuantizeOptions options;
          options.weight_bits = bits;
          options.weight_rounding = rounding;
          options.bias_correction = correction;
          options.equalize = even;
          options.adaround_iterations = 20;
          options.group_size = bits == 4 && even ? 4 : 0;
          options.weight_range = bits == 2 ? WeightRange::kFull : WeightRange::kNarrow;
          auto result = quantize(graph, trained().samples, options);
          ASSERT_TRUE(result.ok()) << result.error().message;
          if (recipes++ % 9 == 0 && options.group_size == 0) {
            train::TrainOptions train;
            train.epochs = 2;
            ASSERT_TRUE(train_in_stages(*result, trained().dataset, train, {8}).ok());
          }
          const IntegerRange integers = weight_integers(bits, options.weight_range);
          const int factor = options.group_size > 0 ? 16 : 1;
          for (const Node& node : result->nodes) {
            const Parameter* weight = node.parameter("weight");
            if (weight == nullptr) continue;
            for (size_t i = 0; i < weight->value.size(); ++i) {
              const int32_t value = weight->quantized->values[i];
              ASSERT_TRUE(is_kept(*weight, i) || (value == 0 && weight->value[i] == 0.0f))
                  << node.name << ' ' << rounding << ' ' << correction << ' ' << bits;
              ASSERT_GE(value, factor * integers.low);
              ASSERT_LE(value, factor * integers.high);
            }
            const Parameter* bias = node.parameter("bias");
            for (size_t i = 0; bias != nullptr && i < bias->value.size(); ++i) {
              ASSERT_TRUE(is_kept(*bias, i) || bias->quantized->values[i] == 0);
            }
          }
        }
      }
    }
  }
}

TEST(Qat, RecoversWhatFewBitsLose) {
  const auto loss = [](const Graph& graph) {
    return train::evaluate(graph, trained().dataset, data::Split::kValidation)->loss;
  };
  QuantizeOptions options;
  options.weight_bits = 2;
  options.weight_scale = WeightScale::kMse;
  const Graph start = *quantize(trained().graph, trained().dataset, options);
  train::TrainOptions train;
  train.epochs = 6;
  train.learning_rate = 1e-3f;
  for (const auto& stages : {std::vector<int>{}, std::vector<int>{8, 4}}) {
    Graph graph = start;
    const auto report = train_in_stages(graph, trained().dataset, train, stages);
    ASSERT_TRUE(report.ok()) << report.error().message;
    ASSERT_EQ(report->epochs.size(), 6u);
    EXPECT_EQ(report->epochs.back().epoch, 6);
    EXPECT_LT(loss(graph), loss(start));
    EXPECT_EQ(graph.nodes[0].parameter("weight")->quantized->used_bits(), 2);
  }
  Graph plain = trained().graph;
  EXPECT_NE(train_in_stages(plain, trained().dataset, train, {}).error().message.find("is float"),
            std::string::npos);
}

}  // namespace
}  // namespace coppice::quant
