#include "coppice/train/fit.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "coppice/graph/builder.h"
#include "coppice/graph/zoo.h"
#include "coppice/prune/prune.h"
#include "train/memory_dataset.h"

namespace coppice::train {
namespace {

using coppice::testing::blobs;
using coppice::testing::MemoryDataset;

// Every kind of layer that has state of its own: batch norm, dropout, depthwise, residual.
Graph small_network(const Shape& input, int classes, uint64_t seed = 1) {
  GraphBuilder g("small", input, seed);
  Conv2D conv;
  conv.out_channels = 12;
  conv.kernel = {3, 3};
  conv.padding = {1, 1, 1, 1};
  auto x = g.add(conv, {g.input()}, "conv", false);
  x = g.add(BatchNorm{}, {x}, "norm");
  x = g.add(Relu{}, {x}, "relu");
  x = g.add(Dropout{0.1f}, {x}, "dropout");
  DepthwiseConv2D depthwise;
  depthwise.kernel = {3, 3};
  depthwise.padding = {1, 1, 1, 1};
  auto y = g.add(depthwise, {x}, "depthwise");
  y = g.add(BatchNorm{}, {y}, "depthwise_norm");
  x = g.add(Add{Activation::kRelu}, {x, y}, "add");
  x = g.add(GlobalAvgPool{}, {x}, "pool");
  x = g.add(FullyConnected{classes, Activation::kNone}, {x}, "fc");
  x = g.add(Softmax{}, {x}, "softmax");
  return std::move(g).finish(x).value();
}

void expect_equal_parameters(const Graph& a, const Graph& b) {
  for (size_t n = 0; n < a.nodes.size(); ++n) {
    for (size_t p = 0; p < a.nodes[n].parameters.size(); ++p) {
      EXPECT_EQ(a.nodes[n].parameters[p].value, b.nodes[n].parameters[p].value)
          << a.nodes[n].name << "." << a.nodes[n].parameters[p].name;
    }
  }
}

TEST(Fit, LearnsExclusiveOr) {
  MemoryDataset dataset({2}, 2);
  for (int i = 0; i < 64; ++i) {
    const int a = i & 1, b = (i >> 1) & 1;
    dataset.add(data::Split::kTrain, {static_cast<float>(a), static_cast<float>(b)}, a ^ b);
  }
  GraphBuilder g("xor", {2}, 4);
  auto x = g.add(FullyConnected{8, Activation::kRelu}, {g.input()}, "hidden");
  x = g.add(FullyConnected{2, Activation::kNone}, {x}, "fc");
  Graph graph = std::move(g).finish(x).value();
  TrainOptions options;
  options.epochs = 100;
  options.learning_rate = 0.02f;
  options.batch_size = 16;
  options.weight_decay = 0.0f;
  const auto report = fit(graph, dataset, options);
  ASSERT_TRUE(report.ok()) << report.error().message;
  const auto evaluation = evaluate(graph, dataset, data::Split::kTrain);
  ASSERT_TRUE(evaluation.ok());
  EXPECT_EQ(evaluation->correct, 64);
  EXPECT_EQ(report->epochs.size(), 100u);
}

TEST(Fit, EveryOptimizerSeparatesBlobs) {
  const auto dataset = blobs({8, 6, 3}, 5, 200, 60, 0.3f, 7);
  for (const auto optimizer : {Optimizer::kSgd, Optimizer::kAdam}) {
    for (const bool decoupled : {false, true}) {
      for (const auto schedule : {LearningRateSchedule::kConstant, LearningRateSchedule::kStep,
                                  LearningRateSchedule::kCosine}) {
        Graph graph = small_network({8, 6, 3}, 5);
        TrainOptions options;
        options.epochs = 12;
        options.batch_size = 20;
        options.optimizer = optimizer;
        options.learning_rate = optimizer == Optimizer::kSgd ? 0.05f : 5e-3f;
        options.decoupled_decay = decoupled;
        options.schedule = schedule;
        options.step_epochs = {6, 9};
        options.warmup_epochs = 1.0f;
        options.label_smoothing = 0.05f;
        const auto report = fit(graph, dataset, options);
        ASSERT_TRUE(report.ok()) << report.error().message;
        const auto evaluation = evaluate(graph, dataset, data::Split::kTest);
        ASSERT_TRUE(evaluation.ok());
        EXPECT_GE(evaluation->accuracy(), 0.95);
        EXPECT_LT(report->epochs.back().train_loss, report->epochs.front().train_loss);
      }
    }
  }
}

TEST(Fit, OverfitsThirtyTwoRandomSamples) {
  auto dataset = blobs({8, 6, 3}, 4, 0, 0, 0.0f, 1);
  Random random(3, "overfit");
  for (int i = 0; i < 32; ++i) {
    std::vector<float> x(8 * 6 * 3);
    for (float& value : x) value = random.normal();
    dataset.add(data::Split::kTrain, std::move(x), static_cast<int>(random.below(4)));
  }
  GraphBuilder g("overfit", {8, 6, 3}, 2);
  Conv2D conv;
  conv.out_channels = 32;
  conv.kernel = {3, 3};
  auto x = g.add(conv, {g.input()}, "conv");
  x = g.add(BatchNorm{}, {x}, "norm");
  x = g.add(Relu{}, {x}, "relu");
  x = g.add(FullyConnected{4, Activation::kNone}, {x}, "fc");
  Graph graph = std::move(g).finish(x).value();
  TrainOptions options;
  options.epochs = 60;
  options.batch_size = 32;
  options.learning_rate = 0.01f;
  options.weight_decay = 0.0f;
  const auto report = fit(graph, dataset, options);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->epochs.back().train_accuracy, 1.0);
  EXPECT_LT(report->epochs.back().train_loss, 0.05);
}

TEST(Fit, IsBitIdenticalForAnyNumberOfThreads) {
  const auto dataset = blobs({9, 7, 3}, 4, 53, 21, 0.5f, 11);
  Graph reference;
  FitReport reference_report;
  for (int threads : {1, 2, 3}) {
    Graph graph = small_network({9, 7, 3}, 4);
    TrainOptions options;
    options.epochs = 3;
    options.batch_size = 24;
    options.threads = threads;
    const auto report = fit(graph, dataset, options);
    ASSERT_TRUE(report.ok());
    if (threads == 1) {
      reference = graph;
      reference_report = *report;
      continue;
    }
    expect_equal_parameters(reference, graph);
    for (size_t e = 0; e < report->epochs.size(); ++e) {
      EXPECT_EQ(report->epochs[e].train_loss, reference_report.epochs[e].train_loss);
      EXPECT_EQ(report->epochs[e].validation_loss, reference_report.epochs[e].validation_loss);
    }
  }
}

class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  TrainOptions options() const {
    TrainOptions options;
    options.epochs = 5;
    options.batch_size = 16;
    options.warmup_epochs = 0.5f;
    options.checkpoint = folder_ / "state.safetensors";
    return options;
  }

  std::filesystem::path folder_ = std::filesystem::path(::testing::TempDir()) /
                                  ("coppice_checkpoint_" + std::to_string(::getpid()));
  MemoryDataset dataset_ = blobs({8, 6, 3}, 4, 50, 20, 0.5f, 3);
};

TEST_F(CheckpointTest, ResumedEqualsUndisturbed) {
  for (const auto optimizer : {Optimizer::kAdam, Optimizer::kSgd}) {
    std::filesystem::remove_all(folder_);
    TrainOptions undisturbed = options();
    undisturbed.optimizer = optimizer;
    undisturbed.checkpoint.clear();
    Graph expected = small_network({8, 6, 3}, 4);
    const auto expected_report = fit(expected, dataset_, undisturbed);
    ASSERT_TRUE(expected_report.ok());

    TrainOptions resumed = options();
    resumed.optimizer = optimizer;
    Graph graph;
    // Killed in the middle of epochs 2 and 4: an exception leaves fit() as abruptly as it gets
    // here.
    for (int stop : {2, 4, 0}) {
      graph = small_network({8, 6, 3}, 4);
      TrainCallbacks callbacks;
      callbacks.on_batch = [&](const Progress& progress) {
        if (progress.epoch == stop && progress.batch == 2) throw std::runtime_error("killed");
      };
      if (stop != 0) {
        EXPECT_THROW((void)fit(graph, dataset_, resumed, callbacks), std::runtime_error);
        continue;
      }
      const auto report = fit(graph, dataset_, resumed, callbacks);
      ASSERT_TRUE(report.ok()) << report.error().message;
      ASSERT_EQ(report->epochs.size(), expected_report->epochs.size());
      for (size_t e = 0; e < report->epochs.size(); ++e) {
        EXPECT_EQ(report->epochs[e].train_loss, expected_report->epochs[e].train_loss);
        EXPECT_EQ(report->epochs[e].validation_loss, expected_report->epochs[e].validation_loss);
      }
      EXPECT_EQ(report->best_epoch, expected_report->best_epoch);
    }
    expect_equal_parameters(expected, graph);
  }
}

TEST_F(CheckpointTest, OtherOptionsAndDamagedFilesAreErrors) {
  TrainOptions first = options();
  first.epochs = 2;
  Graph graph = small_network({8, 6, 3}, 4);
  ASSERT_TRUE(fit(graph, dataset_, first).ok());
  graph = small_network({8, 6, 3}, 4);
  first.learning_rate *= 2;
  const auto other = fit(graph, dataset_, first);
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.error().message.find("other options"), std::string::npos);
  const auto size = std::filesystem::file_size(first.checkpoint);
  for (const auto length : {uintmax_t{0}, uintmax_t{7}, uintmax_t{100}, size - 4}) {
    std::filesystem::resize_file(first.checkpoint, length);
    const auto cut = fit(graph, dataset_, first);
    ASSERT_FALSE(cut.ok());
    EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt) << cut.error().message;
    EXPECT_NE(cut.error().message.find("state.safetensors"), std::string::npos);
  }
}

TEST(Fit, KeepBestReturnsTheBestEpoch) {
  const auto dataset = blobs({8, 6, 3}, 6, 60, 60, 1.5f, 5);
  for (const bool keep_best : {true, false}) {
    Graph graph = small_network({8, 6, 3}, 6);
    TrainOptions options;
    options.epochs = 12;
    options.learning_rate = 0.02f;
    options.schedule = LearningRateSchedule::kConstant;
    options.keep_best = keep_best;
    const auto report = fit(graph, dataset, options);
    ASSERT_TRUE(report.ok());
    double best = 0;
    for (const auto& epoch : report->epochs) best = std::max(best, epoch.validation_accuracy);
    const auto& kept = report->epochs[static_cast<size_t>(report->best_epoch - 1)];
    const auto evaluation = evaluate(graph, dataset, data::Split::kValidation);
    ASSERT_TRUE(evaluation.ok());
    EXPECT_EQ(evaluation->accuracy(), kept.validation_accuracy);
    EXPECT_EQ(evaluation->loss, kept.validation_loss);
    if (keep_best) {
      EXPECT_EQ(kept.validation_accuracy, best);
    } else {
      EXPECT_EQ(report->best_epoch, 12);
    }
  }
}

TEST(Fit, PrunedWeightsStayZeroForAThousandSteps) {
  const auto dataset = blobs({6, 5, 2}, 3, 20, 0, 0.5f, 9);
  for (const auto optimizer : {Optimizer::kAdam, Optimizer::kSgd}) {
    Graph graph = small_network({6, 5, 2}, 3);
    prune::PruneOptions pruning;
    pruning.sparsity = 0.7;
    ASSERT_TRUE(prune::apply(graph, pruning).ok());
    const Graph before = graph;
    TrainOptions options;
    options.optimizer = optimizer;
    options.epochs = 1000;
    options.batch_size = 20;
    options.learning_rate = 1e-3f;
    options.threads = 1;
    ASSERT_TRUE(fit(graph, dataset, options).ok());
    int moved = 0;
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      for (const auto& parameter : graph.nodes[n].parameters) {
        const auto& old = before.nodes[n].parameter(parameter.name)->value;
        for (size_t i = 0; i < parameter.mask.size(); ++i) {
          if (parameter.mask[i] == 0) {
            ASSERT_EQ(parameter.value[i], 0.0f);
          } else {
            moved += parameter.value[i] != old[i];
          }
        }
      }
    }
    EXPECT_GT(moved, 50);
  }
}

TEST(Fit, ErrorsNameWhatIsWrong) {
  const auto dataset = blobs({6, 5, 2}, 3, 20, 0, 0.5f, 9);
  Graph graph = small_network({6, 5, 2}, 3);
  TrainOptions options;
  options.learning_rate = 1e30f;
  options.optimizer = Optimizer::kSgd;
  options.epochs = 20;
  auto report = fit(graph, dataset, options);
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message.find("not finite in epoch"), std::string::npos);
  Graph other = small_network({6, 5, 3}, 3);
  EXPECT_NE(fit(other, dataset, {}).error().message.find("6x5x3"), std::string::npos);
  other = small_network({6, 5, 2}, 4);
  EXPECT_NE(fit(other, dataset, {}).error().message.find("4 outputs"), std::string::npos);
  options = {};
  options.batch_size = 0;
  EXPECT_NE(fit(graph, dataset, options).error().message.find("batch_size"), std::string::npos);
  options = {};
  options.learning_rate = -1.0f;
  EXPECT_NE(fit(graph, dataset, options).error().message.find("learning_rate"), std::string::npos);
  const MemoryDataset empty({6, 5, 2}, 3);
  EXPECT_NE(fit(graph, empty, {}).error().message.find("no training samples"), std::string::npos);
}

}  // namespace
}  // namespace coppice::train
