#include "coppice/prune/schedule.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "coppice/graph/builder.h"
#include "train/memory_dataset.h"

namespace coppice::prune {
namespace {

Graph small_network() {
  GraphBuilder g("small", {5, 5, 2}, 3);
  Conv2D conv;
  conv.out_channels = 8;
  conv.kernel = {3, 3};
  auto x = g.add(conv, {g.input()}, "conv", false);
  x = g.add(BatchNorm{}, {x}, "norm");
  x = g.add(Relu{}, {x}, "relu");
  x = g.add(FullyConnected{16, Activation::kRelu}, {x}, "hidden");
  x = g.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  return std::move(g).finish(x).value();
}

testing::MemoryDataset dataset() { return testing::blobs({5, 5, 2}, 3, 96, 48, 0.3f, 5); }

train::TrainOptions training(int epochs) {
  train::TrainOptions options;
  options.epochs = epochs;
  options.batch_size = 16;  // 6 steps an epoch.
  options.learning_rate = 0.02f;
  return options;
}

// Masked weights, which are all zero, over all weights.
double sparsity_of(const Graph& graph) {
  int64_t zeros = 0, total = 0;
  for (const Node& node : graph.nodes) {
    const Parameter* weight = node.parameter("weight");
    if (weight == nullptr) continue;
    total += static_cast<int64_t>(weight->value.size());
    for (size_t i = 0; i < weight->value.size(); ++i) {
      const bool masked = !weight->mask.empty() && weight->mask[i] == 0;
      EXPECT_TRUE(!masked || weight->value[i] == 0.0f);
      zeros += masked;
    }
  }
  return static_cast<double>(zeros) / static_cast<double>(total);
}

TEST(Schedule, SparsityByHand) {
  ScheduleOptions options;
  options.prune_begin = 0.2;
  options.prune_end = 0.7;
  options.initial_sparsity = 0.1;
  options.pruning_schedule = "linear";
  EXPECT_NEAR(scheduled_sparsity(options, 0.9, 0.1), 0.1, 1e-12);
  EXPECT_NEAR(scheduled_sparsity(options, 0.9, 0.45), 0.5, 1e-12);
  EXPECT_NEAR(scheduled_sparsity(options, 0.9, 0.7), 0.9, 1e-12);
  options.pruning_schedule = "agp";  // 0.9 - 0.8 * (1/2)^3
  EXPECT_NEAR(scheduled_sparsity(options, 0.9, 0.45), 0.8, 1e-12);
  EXPECT_NEAR(scheduled_sparsity(options, 0.9, 1.0), 0.9, 1e-12);
  options.pruning_schedule = "one_shot";
  EXPECT_EQ(scheduled_sparsity(options, 0.9, 0.19), 0.0);
  EXPECT_EQ(scheduled_sparsity(options, 0.9, 0.2), 0.9);
}

TEST(Schedule, EachOneEndsAtTheRequestedSparsity) {
  const auto data = dataset();
  for (const Listed& schedule : schedules()) {
    for (const char* granularity : {"weight", "vector:1x4", "2:4", "channel"}) {
      SCOPED_TRACE(std::string(schedule.name) + " " + granularity);
      ScheduleOptions options;
      options.pruning_schedule = schedule.name;
      options.prune_every = 3;
      options.ticket_rounds = 2;
      PruneOptions pruning;
      pruning.sparsity = 0.75;
      pruning.granularity = granularity;
      pruning.protect_first_last = false;
      Graph graph = small_network();
      const auto report = train_sparse(graph, data, pruning, training(6), options);
      const bool fits = schedule.name != "rigl" || (granularity != std::string("channel") &&
                                                    granularity != std::string("2:4"));
      ASSERT_EQ(report.ok(), fits);
      if (!fits) continue;
      const double wanted = granularity == std::string("2:4") ? 0.5 : 0.75;
      EXPECT_NEAR(report->pruning.sparsity_requested, wanted, 1e-12);
      EXPECT_NEAR(report->pruning.sparsity_achieved, wanted, 0.02);
      if (granularity == std::string("channel")) {
        EXPECT_EQ(graph.find("conv")->parameter("weight")->shape[0], 2);
        EXPECT_EQ(graph.find("hidden")->parameter("weight")->shape, (Shape{4, 18}));
        EXPECT_TRUE(validate(graph).ok());
      } else {
        EXPECT_NEAR(sparsity_of(graph), wanted, 0.02);
      }
      EXPECT_GT(report->training.best_epoch, schedule.name == "lottery_ticket" ? 0
                                             : schedule.name == "one_shot"     ? 0
                                                                               : 3);
      const auto accuracy = train::evaluate(graph, data, data::Split::kValidation);
      EXPECT_GT(accuracy->accuracy(), 0.6);
    }
  }
}

void expect_equal(const Graph& expected, const Graph& found) {
  ASSERT_EQ(expected.nodes.size(), found.nodes.size());
  for (size_t n = 0; n < expected.nodes.size(); ++n) {
    for (size_t p = 0; p < expected.nodes[n].parameters.size(); ++p) {
      const Parameter& a = expected.nodes[n].parameters[p];
      const Parameter& b = found.nodes[n].parameters[p];
      EXPECT_EQ(a.value, b.value) << expected.nodes[n].name << ' ' << a.name;
      EXPECT_EQ(a.mask, b.mask) << expected.nodes[n].name << ' ' << a.name;
    }
  }
}

void expect_equal(const SparseTrainingReport& expected, const SparseTrainingReport& found) {
  EXPECT_EQ(expected.pruning.sparsity_achieved, found.pruning.sparsity_achieved);
  ASSERT_EQ(expected.pruning.layers.size(), found.pruning.layers.size());
  for (size_t i = 0; i < expected.pruning.layers.size(); ++i) {
    EXPECT_EQ(expected.pruning.layers[i].layer, found.pruning.layers[i].layer);
    EXPECT_EQ(expected.pruning.layers[i].weights, found.pruning.layers[i].weights);
    EXPECT_EQ(expected.pruning.layers[i].kept, found.pruning.layers[i].kept);
  }
  EXPECT_EQ(expected.training.best_epoch, found.training.best_epoch);
  ASSERT_EQ(expected.training.epochs.size(), found.training.epochs.size());
  for (size_t e = 0; e < expected.training.epochs.size(); ++e) {
    EXPECT_EQ(expected.training.epochs[e].train_loss, found.training.epochs[e].train_loss);
    EXPECT_EQ(expected.training.epochs[e].validation_loss,
              found.training.epochs[e].validation_loss);
  }
}

// Killed again and again, each time a little further: an exception leaves as abruptly as it gets.
TEST(Schedule, ResumedEqualsUndisturbed) {
  const auto data = dataset();
  const auto folder = std::filesystem::path(::testing::TempDir()) /
                      ("coppice_schedule_" + std::to_string(::getpid()));
  for (const Listed& schedule : schedules()) {
    for (const char* granularity : {"weight", "channel"}) {
      if (schedule.name == "rigl" && granularity == std::string("channel")) continue;
      SCOPED_TRACE(std::string(schedule.name) + " " + granularity);
      std::filesystem::remove_all(folder);
      std::filesystem::create_directories(folder);
      ScheduleOptions options;
      options.pruning_schedule = schedule.name;
      options.prune_every = 4;
      options.ticket_rounds = 2;
      PruneOptions pruning;
      pruning.sparsity = 0.75;
      pruning.granularity = granularity;
      pruning.protect_first_last = false;
      Graph expected = small_network();
      const auto undisturbed = train_sparse(expected, data, pruning, training(6), options);
      ASSERT_TRUE(undisturbed.ok());

      train::TrainOptions resumed = training(6);
      resumed.checkpoint = folder / "state";
      Graph graph = small_network();
      int kills = 0;
      for (bool done = false; !done;) {
        ASSERT_LT(kills, 20);
        int batches = 0;
        train::TrainCallbacks callbacks;
        callbacks.on_batch = [&](const train::Progress&) {
          if (++batches == 15) throw std::runtime_error("killed");
        };
        try {
          const auto report = train_sparse(graph, data, pruning, resumed, options, callbacks);
          ASSERT_TRUE(report.ok()) << report.error().message;
          expect_equal(*undisturbed, *report);
          done = true;
        } catch (const std::runtime_error&) {
          ++kills;
        }
      }
      EXPECT_GE(kills, 2);
      expect_equal(expected, graph);
      const std::filesystem::directory_iterator files(folder);
      EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "checkpoints of rounds are left";
      // Another schedule does not take it for its own.
      options.prune_every = 5;
      options.prune_end = 0.5;
      if (schedule.name == "lottery_ticket") continue;  // A plain training under a mask.
      EXPECT_FALSE(train_sparse(graph, data, pruning, resumed, options).ok());
    }
  }
  std::filesystem::remove_all(folder);
}

// 1000 steps of masked training after gradual pruning, with momentum and weight decay.
TEST(Schedule, PrunedWeightsStayExactlyZero) {
  const auto data = dataset();
  for (const auto optimizer : {train::Optimizer::kSgd, train::Optimizer::kAdam}) {
    train::TrainOptions options = training(170);  // 1020 steps.
    options.optimizer = optimizer;
    options.weight_decay = 1e-3f;
    options.keep_best = false;
    ScheduleOptions schedule;
    schedule.prune_end = 0.02;
    schedule.prune_every = 5;
    PruneOptions pruning;
    pruning.sparsity = 0.9;
    Graph graph = small_network();
    ASSERT_TRUE(train_sparse(graph, data, pruning, options, schedule).ok());
    EXPECT_NEAR(sparsity_of(graph), 0.9, 0.01);
  }
}

TEST(Schedule, LotteryTicketIsTheStartUnderAMask) {
  const auto data = dataset();
  ScheduleOptions schedule;
  schedule.pruning_schedule = "lottery_ticket";
  schedule.ticket_rounds = 2;
  PruneOptions pruning;
  pruning.sparsity = 0.64;
  train::TrainOptions options = training(2);
  const Graph start = small_network();
  Graph ticket = start;
  ASSERT_TRUE(train_sparse(ticket, data, pruning, options, schedule).ok());
  // By hand: train, prune 40 %, rewind, train, prune 64 %, rewind, train.
  Graph graph = start;
  for (const double sparsity : {0.4, 0.64}) {
    ASSERT_TRUE(train::fit(graph, data, options).ok());
    pruning.sparsity = sparsity;
    ASSERT_TRUE(apply(graph, pruning).ok());
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      for (size_t p = 0; p < graph.nodes[n].parameters.size(); ++p) {
        graph.nodes[n].parameters[p].value = start.nodes[n].parameters[p].value;
        apply_mask(graph.nodes[n].parameters[p]);
      }
    }
  }
  ASSERT_TRUE(train::fit(graph, data, options).ok());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (size_t p = 0; p < graph.nodes[n].parameters.size(); ++p) {
      EXPECT_EQ(graph.nodes[n].parameters[p].value, ticket.nodes[n].parameters[p].value);
    }
  }
}

TEST(Schedule, RegrowthMovesTheMaskAndKeepsItsSize) {
  const auto data = dataset();
  ScheduleOptions schedule;
  schedule.pruning_schedule = "rigl";
  schedule.prune_every = 4;
  PruneOptions pruning;
  pruning.sparsity = 0.8;
  pruning.criterion = "random";
  pruning.scope = "erk";
  Graph first = small_network();
  ASSERT_TRUE(apply(first, pruning).ok());
  Graph graph = small_network();
  ASSERT_TRUE(train_sparse(graph, data, pruning, training(8), schedule).ok());
  int moved = 0;
  for (const char* layer : {"conv", "hidden", "fc"}) {
    const auto& before = first.find(layer)->parameter("weight")->mask;
    const auto& after = graph.find(layer)->parameter("weight")->mask;
    EXPECT_EQ(std::count(before.begin(), before.end(), 1),
              std::count(after.begin(), after.end(), 1));
    for (size_t i = 0; i < before.size(); ++i) moved += before[i] != after[i];
  }
  EXPECT_GT(moved, 20);
}

TEST(Schedule, RunsAreBitIdenticalForAnyNumberOfThreads) {
  const auto data = dataset();
  ScheduleOptions schedule;
  schedule.prune_every = 2;
  PruneOptions pruning;
  pruning.criterion = "taylor_squared";
  std::vector<float> first;
  for (const int threads : {1, 2, 5}) {
    pruning.threads = threads;
    train::TrainOptions options = training(3);
    options.threads = threads;
    Graph graph = small_network();
    ASSERT_TRUE(train_sparse(graph, data, pruning, options, schedule).ok());
    const auto& values = graph.find("hidden")->parameter("weight")->value;
    if (first.empty()) first = values;
    EXPECT_EQ(values, first);
  }
}

TEST(Schedule, ErrorsNameTheOption) {
  const auto data = dataset();
  const auto failure = [&](const ScheduleOptions& schedule, int epochs = 1) {
    Graph graph = small_network();
    const auto report = train_sparse(graph, data, {}, training(epochs), schedule);
    return report.ok() ? "" : report.error().message;
  };
  ScheduleOptions options;
  options.pruning_schedule = "apg";
  EXPECT_NE(failure(options).find("did you mean \"agp\""), std::string::npos);
  options = {};
  options.prune_begin = 0.7;
  EXPECT_NE(failure(options).find("prune_begin"), std::string::npos);
  options = {};
  options.prune_every = 0;
  EXPECT_NE(failure(options).find("prune_every"), std::string::npos);
  EXPECT_NE(failure({}, 0).find("epochs"), std::string::npos);
}

}  // namespace
}  // namespace coppice::prune
