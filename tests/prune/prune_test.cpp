#include "coppice/prune/prune.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/graph/builder.h"
#include "coppice/graph/zoo.h"
#include "coppice/prune/registry.h"

namespace coppice::prune {
namespace {

Graph one_layer(std::vector<float> weights) {
  GraphBuilder builder("one", {1, 1, static_cast<int>(weights.size())}, 1);
  const auto output = builder.add(FullyConnected{1, Activation::kNone}, {builder.input()}, "fc");
  Graph graph = std::move(builder).finish(output).value();
  graph.find("fc")->parameter("weight")->value = std::move(weights);
  return graph;
}

int64_t zeros(const std::vector<uint8_t>& mask) { return std::count(mask.begin(), mask.end(), 0); }

TEST(Prune, RemovesTheSmallestAndBreaksTiesByIndex) {
  Graph graph = one_layer({0.5f, -0.1f, 0.3f, 0.1f, -0.1f, 2.0f, -0.3f});
  PruneOptions options;
  options.sparsity = 3.0 / 7.0;
  ASSERT_TRUE(apply(graph, options).ok());
  const Parameter& weight = *graph.find("fc")->parameter("weight");
  EXPECT_EQ(weight.mask, (std::vector<uint8_t>{1, 0, 1, 0, 0, 1, 1}));
  EXPECT_EQ(weight.value, (std::vector<float>{0.5f, 0, 0.3f, 0, 0, 2.0f, -0.3f}));
  options.sparsity = 4.0 / 7.0;
  ASSERT_TRUE(apply(graph, options).ok());
  EXPECT_EQ(weight.mask, (std::vector<uint8_t>{1, 0, 0, 0, 0, 1, 1}));
}

TEST(Prune, ReachesTheRoundedCountInEachLayer) {
  for (const char* arch : {"tiny_conv", "ds_cnn", "resnet8"}) {
    for (double sparsity : {0.0, 0.1, 0.333, 0.5, 0.9, 0.99, 0.9999}) {
      Graph graph = make_zoo_model(arch, {}, 0, 3).value();
      PruneOptions options;
      options.sparsity = sparsity;
      const auto report = apply(graph, options);
      ASSERT_TRUE(report.ok()) << report.error().message;
      int64_t weights = 0, kept = 0;
      for (const auto& layer : report->layers) {
        const Parameter& weight = *graph.find(layer.layer)->parameter("weight");
        const auto n = static_cast<int64_t>(weight.value.size());
        ASSERT_EQ(layer.weights, n);
        ASSERT_EQ(n - layer.kept, std::llround(sparsity * static_cast<double>(n))) << layer.layer;
        ASSERT_EQ(zeros(weight.mask), n - layer.kept);
        for (size_t i = 0; i < weight.value.size(); ++i) {
          if (weight.mask[i] != 0) continue;
          ASSERT_EQ(weight.value[i], 0.0f);
        }
        weights += n;
        kept += layer.kept;
      }
      EXPECT_DOUBLE_EQ(report->sparsity_achieved,
                       1.0 - static_cast<double>(kept) / static_cast<double>(weights));
      EXPECT_TRUE(validate(graph).ok());
    }
  }
}

TEST(Prune, MasksOnlyShrink) {
  Graph graph = make_zoo_model("ds_cnn", {}, 0, 5).value();
  PruneOptions options;
  options.sparsity = 0.6;
  ASSERT_TRUE(apply(graph, options).ok());
  const Graph before = graph;
  // What fine-tuning does: the kept weights move.
  for (Node& node : graph.nodes) {
    for (Parameter& parameter : node.parameters) {
      for (size_t i = 0; i < parameter.value.size(); ++i) {
        parameter.value[i] = 1.0f / (1.0f + static_cast<float>(i % 17));
      }
      apply_mask(parameter);
    }
  }
  for (double sparsity : {0.3, 0.8}) {
    options.sparsity = sparsity;
    const auto report = apply(graph, options);
    ASSERT_TRUE(report.ok());
    for (const auto& layer : report->layers) {
      const auto& old_mask = before.find(layer.layer)->parameter("weight")->mask;
      const auto& mask = graph.find(layer.layer)->parameter("weight")->mask;
      for (size_t i = 0; i < mask.size(); ++i) ASSERT_LE(mask[i], old_mask[i]);
      const auto wanted =
          std::llround(std::max(sparsity, 0.6) * static_cast<double>(layer.weights));
      ASSERT_EQ(zeros(mask), wanted) << layer.layer;
    }
  }
}

TEST(Prune, GlobsChooseLayers) {
  Graph graph = make_zoo_model("ds_cnn", {}, 0, 5).value();
  PruneOptions options;
  options.layers = {"pointwise_*", "fc"};
  options.skip = {"*_3"};
  const auto report = apply(graph, options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  std::vector<std::string> names;
  for (const auto& layer : report->layers) names.push_back(layer.layer);
  EXPECT_EQ(names, (std::vector<std::string>{"pointwise_2", "pointwise_4", "pointwise_5", "fc"}));
  EXPECT_TRUE(graph.find("conv_1")->parameter("weight")->mask.empty());
}

// Applies options that must fail and returns the message.
std::string failure(const PruneOptions& options) {
  Graph graph = make_zoo_model("tiny_conv", {}, 0, 5).value();
  const Graph before = graph;
  const auto report = apply(graph, options);
  EXPECT_FALSE(report.ok());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (size_t p = 0; p < graph.nodes[n].parameters.size(); ++p) {
      EXPECT_EQ(graph.nodes[n].parameters[p].value, before.nodes[n].parameters[p].value);
    }
  }
  return report.ok() ? "" : report.error().message;
}

TEST(Prune, ErrorsSayWhatIsThere) {
  PruneOptions options;
  options.layers = {"convv_1"};
  std::string message = failure(options);
  EXPECT_NE(message.find("conv_1, fc"), std::string::npos) << message;
  EXPECT_NE(message.find("did you mean \"conv_1\""), std::string::npos) << message;
  options = {};
  options.skip = {"x*"};
  EXPECT_NE(failure(options).find("skip"), std::string::npos);
  options.skip = {"*"};
  EXPECT_NE(failure(options).find("no layer is left"), std::string::npos);
  options = {};
  options.criterion = "magnitude_l11";
  message = failure(options);
  EXPECT_NE(message.find("did you mean \"magnitude_l1\""), std::string::npos) << message;
  options = {};
  options.granularity = "weights";
  EXPECT_NE(failure(options).find("granularity"), std::string::npos);
  options = {};
  options.scope = "everywhere";
  EXPECT_NE(failure(options).find("local"), std::string::npos);
  for (double sparsity : {-0.1, 1.0, std::nan("")}) {
    options = {};
    options.sparsity = sparsity;
    EXPECT_NE(failure(options).find("[0, 1)"), std::string::npos);
  }
}

TEST(Prune, RegistriesNameWhatOptionsTake) {
  const PruneOptions defaults;
  const auto has = [](const std::vector<Listed>& options, const std::string& name) {
    return std::any_of(options.begin(), options.end(), [&](const Listed& option) {
      return option.name == name && !option.summary.empty();
    });
  };
  EXPECT_TRUE(has(criteria(), defaults.criterion));
  EXPECT_TRUE(has(granularities(), defaults.granularity));
  EXPECT_TRUE(has(scopes(), defaults.scope));
}

}  // namespace
}  // namespace coppice::prune
