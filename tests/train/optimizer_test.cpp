#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "coppice/core/random.h"
#include "coppice/graph/builder.h"

namespace coppice::train {
namespace {

Graph masked_graph(bool masked) {
  GraphBuilder g("optimized", {37}, 3);
  const auto x = g.add(FullyConnected{9, Activation::kNone}, {g.input()}, "fc");
  Graph graph = std::move(g).finish(x).value();
  Parameter& weight = *graph.find("fc")->parameter("weight");
  if (masked) {
    weight.mask.assign(weight.value.size(), 1);
    for (size_t i = 0; i < weight.mask.size(); i += 3) weight.mask[i] = 0;
    apply_mask(weight);
  }
  return graph;
}

// The textbook update of one element in double precision.
struct Element {
  double value = 0, first = 0, second = 0;

  void step(const TrainOptions& o, double gradient, double rate, bool decays, int t) {
    const double decay = decays ? double{o.weight_decay} : 0.0;
    if (o.decoupled_decay) {
      value *= 1 - rate * decay;
    } else {
      gradient += decay * value;
    }
    if (o.optimizer == Optimizer::kSgd) {
      first = o.momentum * first + gradient;
      value -= rate * first;
      return;
    }
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient * gradient;
    const double m = first / (1 - std::pow(0.9, t)), v = second / (1 - std::pow(0.999, t));
    value -= rate * m / (std::sqrt(v) + 1e-8);
  }
};

TEST(OptimizerState, FollowsTheTextbookAndTheMask) {
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
    if (!isa_supported(isa)) continue;
    for (int variant = 0; variant < 8; ++variant) {
      TrainOptions options;
      options.optimizer = (variant & 1) != 0 ? Optimizer::kAdam : Optimizer::kSgd;
      options.decoupled_decay = (variant & 2) != 0;
      options.weight_decay = 0.05f;
      const bool masked = (variant & 4) != 0;
      const Graph graph = masked_graph(masked);
      ParameterStore parameters(graph);
      OptimizerState optimizer(parameters, options, kernels_for(isa));
      const auto size = static_cast<size_t>(parameters.trainable());
      std::vector<Element> expected(size);
      for (size_t i = 0; i < size; ++i) expected[i].value = parameters.values()[i];
      std::vector<float> gradients(size * 3);
      std::vector<bool> used(size, false);  // Parameters begin at cache lines: there are gaps.
      for (const auto& range : parameters.ranges()) {
        for (int64_t i = 0; i < range.size; ++i) used[static_cast<size_t>(range.offset + i)] = true;
      }
      ThreadPool pool(2);
      const ParameterRange weight = *parameters.find(0, "weight");
      for (int t = 1; t <= 20; ++t) {
        Random random(1, "step", static_cast<uint64_t>(t));
        for (float& g : gradients) g = random.uniform(-1.0f, 1.0f);
        optimizer.step(pool, {gradients.data(), static_cast<int64_t>(size), 3}, 0.01f);
        for (size_t i = 0; i < size; ++i) {
          if (!used[i]) continue;
          const double sum = (double{gradients[i]} + gradients[size + i]) + gradients[2 * size + i];
          const bool decays = static_cast<int64_t>(i) >= weight.offset &&
                              static_cast<int64_t>(i) < weight.offset + weight.size;
          expected[i].step(options, sum, double{0.01f}, decays, t);
          if (parameters.mask() != nullptr && parameters.mask()[i] == 0) {
            ASSERT_EQ(parameters.values()[i], 0.0f);
            ASSERT_EQ(optimizer.first()[i], 0.0f);
            ASSERT_TRUE(optimizer.second().empty() || optimizer.second()[i] == 0.0f);
            continue;
          }
          // Some ten roundings of values below 4 a step, each epsilon / 2; Adam's quotient near a
          // gradient of 0 is divided by sqrt(v), not by epsilon, after the first steps.
          const double bound = 20.0 * t * std::numeric_limits<float>::epsilon();
          ASSERT_NEAR(parameters.values()[i], expected[i].value, bound) << "variant " << variant;
        }
      }
    }
  }
}

TEST(LearningRate, WarmsUpAndFollowsItsSchedule) {
  TrainOptions o;
  o.epochs = 10;
  o.learning_rate = 0.5f;
  o.warmup_epochs = 2.0f;
  EXPECT_FLOAT_EQ(learning_rate_at(o, 1.0), 0.25f);
  EXPECT_FLOAT_EQ(learning_rate_at(o, 2.0), 0.5f);
  EXPECT_FLOAT_EQ(learning_rate_at(o, 6.0), 0.25f);
  EXPECT_NEAR(learning_rate_at(o, 10.0), 0.0f, 1e-9);
  o.schedule = LearningRateSchedule::kConstant;
  EXPECT_FLOAT_EQ(learning_rate_at(o, 9.9), 0.5f);
  o.schedule = LearningRateSchedule::kStep;
  o.step_epochs = {4, 7};
  o.step_factor = 0.1f;
  EXPECT_FLOAT_EQ(learning_rate_at(o, 3.9), 0.5f);
  EXPECT_FLOAT_EQ(learning_rate_at(o, 4.0), 0.05f);
  EXPECT_FLOAT_EQ(learning_rate_at(o, 8.0), 0.005f);
}

}  // namespace
}  // namespace coppice::train
