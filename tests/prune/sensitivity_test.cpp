#include "coppice/prune/sensitivity.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/graph/builder.h"
#include "coppice/train/fit.h"
#include "train/memory_dataset.h"

namespace coppice::prune {
namespace {

// A small network that has learned its data.
struct Trained {
  testing::MemoryDataset dataset = testing::blobs({6}, 3, 90, 60, 0.4f, 2);
  Graph graph;
  Trained() {
    GraphBuilder builder("net", {6}, 3);
    auto x = builder.add(FullyConnected{12, Activation::kRelu}, {builder.input()}, "a");
    x = builder.add(FullyConnected{10, Activation::kRelu}, {x}, "b");
    x = builder.add(FullyConnected{3, Activation::kNone}, {x}, "c");
    graph = std::move(builder).finish(x).value();
    train::TrainOptions training;
    training.epochs = 10;
    training.learning_rate = 0.01f;
    EXPECT_TRUE(train::fit(graph, dataset, training).ok());
  }
};

TEST(Sensitivity, EveryMetricGivesAValueForEachPoint) {
  const Trained trained;
  for (const char* metric : {"loss", "kl", "accuracy", "taylor", "fisher"}) {
    SensitivityOptions scan;
    scan.metric = metric;
    scan.sparsities = {0.9, 0.3, 0.6};
    const auto report = scan_sensitivity(trained.graph, trained.dataset, {}, scan);
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->layers, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(report->weights, (std::vector<int64_t>{72, 120, 30}));
    EXPECT_EQ(report->sparsities, (std::vector<double>{0.3, 0.6, 0.9}));
    double most = 0;
    for (const auto& row : report->values) most = std::max(most, row.back());
    EXPECT_GT(most, 0) << metric;
  }
}

// By hand: prune one layer, evaluate on all validation samples.
TEST(Sensitivity, LossAndAccuracyAreThoseOfThePrunedNetwork) {
  const Trained trained;
  const auto before = train::evaluate(trained.graph, trained.dataset, data::Split::kValidation);
  for (const char* metric : {"loss", "accuracy"}) {
    SensitivityOptions scan;
    scan.metric = metric;
    scan.sparsities = {0.7};
    const auto report = scan_sensitivity(trained.graph, trained.dataset, {}, scan);
    for (size_t l = 0; l < 3; ++l) {
      Graph pruned = trained.graph;
      PruneOptions options;
      options.sparsity = 0.7;
      options.layers = {report->layers[l]};
      ASSERT_TRUE(apply(pruned, options).ok());
      const auto after = train::evaluate(pruned, trained.dataset, data::Split::kValidation);
      const double expected = metric == std::string("loss")
                                  ? after->loss - before->loss
                                  : before->accuracy() - after->accuracy();
      EXPECT_NEAR(report->values[l][0], expected, 1e-5);
    }
  }
}

TEST(Sensitivity, AllocationIsEqualSensitivityAndHitsTheTarget) {
  SensitivityReport report;
  report.layers = {"robust", "fragile"};
  report.weights = {100, 100};
  report.sparsities = {0.25, 0.5, 0.75};
  report.values = {{0.01, 0.02, 0.03}, {0.1, 0.2, 0.3}};
  // At level v the layers take v / 0.04 and v / 0.4: their sum is 0.5 * 2 beyond the first's end.
  auto shares = allocate(report, 0.4);
  EXPECT_NEAR(shares[0], 0.8 * 10 / 11, 1e-6);
  EXPECT_NEAR(shares[1], 0.8 / 11, 1e-6);
  shares = allocate(report, 0.5);  // The robust layer ends at the last point that was scanned.
  EXPECT_NEAR(shares[0], 0.75, 1e-6);
  EXPECT_NEAR(shares[1], 0.25, 1e-6);
}

TEST(Sensitivity, ChannelsAreScannedByGroup) {
  GraphBuilder builder("net", {4, 4, 2}, 3);
  Conv2D conv;
  conv.out_channels = 8;
  auto x = builder.add(conv, {builder.input()}, "conv");
  x = builder.add(DepthwiseConv2D{}, {x}, "dw");
  x = builder.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  const Graph graph = std::move(builder).finish(x).value();
  const auto dataset = testing::blobs({4, 4, 2}, 3, 30, 30, 0.4f, 2);
  PruneOptions options;
  options.granularity = "channel";
  options.protect_first_last = false;
  const auto report = scan_sensitivity(graph, dataset, options, {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->layers, std::vector<std::string>{"conv"});
}

TEST(Sensitivity, CsvHasOneLineAPoint) {
  SensitivityReport report;
  report.metric = "kl";
  report.layers = {"a", "b"};
  report.weights = {10, 20};
  report.sparsities = {0.5, 0.9};
  report.values = {{0.1, 0.25}, {1, 2}};
  EXPECT_EQ(to_csv(report),
            "layer,weights,sparsity,kl\na,10,0.5,0.1\na,10,0.9,0.25\nb,20,0.5,1\nb,20,0.9,2\n");
}

TEST(Sensitivity, ErrorsSayWhatIsExpected) {
  const Trained trained;
  SensitivityOptions scan;
  scan.metric = "los";
  auto report = scan_sensitivity(trained.graph, trained.dataset, {}, scan);
  EXPECT_NE(report.error().message.find("did you mean \"loss\""), std::string::npos);
  PruneOptions options;
  options.granularity = "2:4";
  report = scan_sensitivity(trained.graph, trained.dataset, options, {});
  EXPECT_NE(report.error().message.find("one sparsity"), std::string::npos);
}

}  // namespace
}  // namespace coppice::prune
