#include "coppice/prune/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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
