#include "train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "train/denormals.h"

namespace coppice::train {

OptimizerState::OptimizerState(ParameterStore& parameters, const TrainOptions& options,
                               const Kernels& kernels)
    : parameters_(parameters), options_(options), kernels_(kernels) {
  const auto size = static_cast<size_t>(parameters.trainable());
  first_.assign(size, 0.0f);
  if (options.optimizer == Optimizer::kAdam) second_.assign(size, 0.0f);
  constexpr int64_t kBlock = 8 * 1024;  // A few microseconds: worth a thread's while.
  for (const auto& range : parameters.ranges()) {
    if (range.offset >= parameters.trainable()) continue;
    for (int64_t begin = 0; begin < range.size; begin += kBlock) {
      blocks_.push_back({range.offset + begin, std::min(kBlock, range.size - begin), range.decays});
    }
  }
}

void OptimizerState::step(ThreadPool& pool, const GradientLanes& gradients, float learning_rate) {
  ++steps_;
  const bool adam = options_.optimizer == Optimizer::kAdam;
  const auto t = static_cast<double>(steps_);
  Update all;
  all.lanes = gradients.count;
  all.lane_stride = gradients.stride;
  all.momentum = options_.momentum;
  all.rate = learning_rate;
  if (adam) {
    all.rate = static_cast<float>(learning_rate / (1.0 - std::pow(double{kAdamBeta1}, t)));
    all.second_correction = static_cast<float>(1.0 / (1.0 - std::pow(double{kAdamBeta2}, t)));
  }
  pool.run(static_cast<int>(blocks_.size()), [&](int index) {
    const FlushDenormals flush;
    const Block& block = blocks_[static_cast<size_t>(index)];
    Update update = all;
    update.count = block.count;
    update.value = parameters_.values() + block.offset;
    update.first = first_.data() + block.offset;
    update.second = adam ? second_.data() + block.offset : nullptr;
    update.mask = parameters_.mask() == nullptr ? nullptr : parameters_.mask() + block.offset;
    update.gradient = gradients.data + block.offset;
    const float decay = block.decays ? options_.weight_decay : 0.0f;
    update.decay = options_.decoupled_decay ? 0.0f : decay;
    update.shrink = options_.decoupled_decay ? 1.0f - learning_rate * decay : 1.0f;
    (adam ? kernels_.adam : kernels_.sgd)(update);
  });
}

float learning_rate_at(const TrainOptions& options, double epoch) {
  const double base = options.learning_rate;
  const double warmup = options.warmup_epochs;
  if (epoch < warmup) return static_cast<float>(base * epoch / warmup);
  switch (options.schedule) {
    case LearningRateSchedule::kConstant:
      break;
    case LearningRateSchedule::kStep: {
      const auto passed = std::count_if(options.step_epochs.begin(), options.step_epochs.end(),
                                        [&](int at) { return epoch >= at; });
      return static_cast<float>(base * std::pow(double{options.step_factor}, passed));
    }
    case LearningRateSchedule::kCosine: {  // Loshchilov & Hutter, ICLR 2017, without restarts.
      const double length = std::max(1e-9, options.epochs - warmup);
      const double progress = std::clamp((epoch - warmup) / length, 0.0, 1.0);
      return static_cast<float>(base * 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
    }
  }
  return static_cast<float>(base);
}

}  // namespace coppice::train
