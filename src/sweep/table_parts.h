#pragma once

#include <string>
#include <vector>

#include "coppice/core/listing.h"
#include "coppice/sweep/field.h"
#include "coppice/train/fit.h"

namespace coppice::sweep {

/// A member of a base as one of the step's struct: steps put several options together.
template <class T, class Base, class M>
constexpr M T::*of(M Base::*member) {
  return member;
}

inline Field& listed(Field& field, const std::vector<Listed>& list) {
  for (const Listed& entry : list) field.allowed.push_back(std::string(entry.name));
  return field;
}

template <class T>
void add_training(Table& t) {
  using O = train::TrainOptions;
  using train::LearningRateSchedule;
  using train::Optimizer;
  t.add("epochs", of<T>(&O::epochs), "Passes over the training split; 0 switches the step off")
      .in_range(0, 100000)
      .in("epochs");
  t.add("batch_size", of<T>(&O::batch_size), "Samples that one step averages over")
      .in_range(1, 65536)
      .in("samples");
  t.add("optimizer", of<T>(&O::optimizer), {{"sgd", Optimizer::kSgd}, {"adam", Optimizer::kAdam}},
        "Update rule");
  t.add("learning_rate", of<T>(&O::learning_rate), "Largest learning rate").above(0);
  t.add("momentum", of<T>(&O::momentum), "Momentum of sgd").in_range(0, 1).below(1);
  t.add("weight_decay", of<T>(&O::weight_decay),
        "L2 penalty on weights, not on biases and batch norms")
      .at_least(0);
  t.add("decoupled_decay", of<T>(&O::decoupled_decay),
        "Decay the weight itself (AdamW), not the gradient");
  t.add("schedule", of<T>(&O::schedule),
        {{"constant", LearningRateSchedule::kConstant},
         {"step", LearningRateSchedule::kStep},
         {"cosine", LearningRateSchedule::kCosine}},
        "How the learning rate falls");
  t.add("step_epochs", of<T>(&O::step_epochs),
        "\"step\" schedule: epochs at which the rate is multiplied by step_factor")
      .at_least(0);
  t.add("step_factor", of<T>(&O::step_factor), "\"step\" schedule: that factor").above(0);
  t.add("warmup_epochs", of<T>(&O::warmup_epochs), "Linear ramp of the rate from 0")
      .at_least(0)
      .in("epochs");
  t.add("label_smoothing", of<T>(&O::label_smoothing),
        "Share of the target spread over all classes")
      .in_range(0, 1)
      .below(1);
  t.add("keep_best", of<T>(&O::keep_best),
        "Keep the epoch of best validation accuracy, else the last");
}

/// Of steps that train on.
template <class T>
void add_distillation(Table& t) {
  using O = train::TrainOptions;
  t.add("distillation", of<T>(&O::distillation),
        "Share of the loss that follows the outputs of the float model before the first pruning")
      .in_range(0, 1);
  t.add("distillation_temperature", of<T>(&O::distillation_temperature),
        "Softens the outputs of both (Hinton et al. 2015)")
      .above(0);
}

}  // namespace coppice::sweep
