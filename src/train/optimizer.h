#pragma once

#include <vector>

#include "coppice/core/thread_pool.h"
#include "coppice/train/fit.h"
#include "train/layer.h"

namespace coppice::train {

/// SGD with momentum or Adam on all trainable parameters of a store. Values, gradients and momenta
/// of pruned elements stay exactly zero.
class OptimizerState {
 public:
  OptimizerState(ParameterStore& parameters, const TrainOptions& options, const Kernels& kernels);

  /// One step with the gradients added up in lane order.
  void step(ThreadPool& pool, const GradientLanes& gradients, float learning_rate);

  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }
  /// First and second moments, as long as the store's trainable part; empty where not used.
  std::vector<float>& first() { return first_; }
  std::vector<float>& second() { return second_; }

 private:
  struct Block {
    int64_t offset = 0;
    int64_t count = 0;
    bool decays = false;
  };

  ParameterStore& parameters_;
  TrainOptions options_;
  const Kernels& kernels_;
  std::vector<Block> blocks_;
  std::vector<float> first_, second_;
  int64_t steps_ = 0;
};

/// The learning rate at a point of training, in epochs from 0 (a fraction within an epoch).
float learning_rate_at(const TrainOptions& options, double epoch);

}  // namespace coppice::train
