#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "coppice/data/dataset.h"
#include "coppice/graph/graph.h"
#include "coppice/train/shared_values.h"

namespace coppice::train {

enum class Optimizer { kSgd, kAdam };
enum class LearningRateSchedule { kConstant, kStep, kCosine };

/// Where the scales of weights come from in training for integers.
enum class WeightScaleRule {
  kLearned,  ///< LSQ (Esser et al., ICLR 2020), by the logarithm of the scale (Jain et al., 2020).
  kMax,      ///< The largest magnitude, in each step.
  kFixed,    ///< As they are in the model.
};

/// Where the ranges of activations come from in training for integers.
enum class RangeRule {
  kMovingAverage,  ///< Of the smallest and largest values (Jacob et al., CVPR 2018).
  kLearned,        ///< LSQ; zero points stay.
  kPact,           ///< A learned clip behind ReLUs (Choi et al., 2018), moving averages elsewhere.
  kFixed,          ///< As they are in the model.
};

/// How to train (or fine-tune: masks are always respected).
struct TrainOptions {
  int epochs = 20;
  int batch_size = 64;
  Optimizer optimizer = Optimizer::kAdam;
  float learning_rate = 1e-3f;
  float momentum = 0.9f;         ///< SGD only.
  float weight_decay = 1e-4f;    ///< L2 on weights (not on biases and batch norms).
  bool decoupled_decay = false;  ///< Decay the weight itself (AdamW, SGDW), not the gradient.
  LearningRateSchedule schedule = LearningRateSchedule::kCosine;
  std::vector<int> step_epochs =
      {};  ///< kStep: epochs at which the rate is multiplied by step_factor.
  float step_factor = 0.1f;
  float warmup_epochs = 0.0f;  ///< Linear ramp from 0.
  float label_smoothing = 0.0f;
  float distillation = 0.0f;              ///< Share of the loss that follows a teacher.
  float distillation_temperature = 4.0f;  ///< Softens the outputs of both (Hinton et al., 2015).
  uint64_t seed = 0;                      ///< Shuffling and dropout.
  int threads = 0;                        ///< 0: all cores. The result does not depend on it.
  // A quantized graph only (quantization-aware training).
  WeightScaleRule weight_scale_rule = WeightScaleRule::kLearned;
  RangeRule range_rule = RangeRule::kMovingAverage;
  float range_momentum = 0.99f;    ///< Share of the old range that a batch keeps.
  int frozen_epochs = 2;           ///< Last epochs in which moving ranges stay as they are.
  bool keep_shared_values = true;  ///< Weights that share values (find_shared) go on doing so.
  bool keep_best = true;           ///< Return the epoch of best validation accuracy (of equal
                                   ///< ones that of the lowest loss), else the last.
  std::filesystem::path
      checkpoint;  ///< Written each epoch when not empty; an existing one resumes.
};

/// One line of a training log.
struct EpochReport {
  int epoch = 0;            ///< From 1.
  float learning_rate = 0;  ///< Of the last step.
  double train_loss = 0;
  double train_accuracy = 0;       ///< On augmented samples, while the weights moved.
  double validation_accuracy = 0;  ///< 0 when the dataset has no validation samples.
  double validation_loss = 0;
  double seconds = 0;
};

/// Where training stands within an epoch.
struct Progress {
  int epoch = 0, epochs = 0, batch = 0, batches = 0;
  double loss = 0, accuracy = 0;  ///< Running means of this epoch.
};

/// What a caller wants to hear while training goes on; empty functions are not called.
struct TrainCallbacks {
  std::function<void(const EpochReport&)> on_epoch;
  std::function<void(const Progress&)> on_batch;
};

/// The model between two steps of a training.
class ModelAccess {
 public:
  virtual ~ModelAccess() = default;
  /// Copies values and masks into a graph of the same structure.
  virtual void read(Graph& graph) const = 0;
  /// Takes values and masks from it. Pruned elements, and their momenta, become zero.
  virtual void write(const Graph& graph) = 0;
  /// The last step's gradient of graph.nodes[node].parameters[parameter], that of pruned elements
  /// included.
  virtual std::vector<float> gradient(size_t node, size_t parameter) const = 0;
};

/// Changes a model while it is trained: gradual pruning, regrowth.
class TrainingHook {
 public:
  virtual ~TrainingHook() = default;
  /// Called after step `step` (from 1) of `steps`.
  virtual Status after_step(int64_t step, int64_t steps, ModelAccess& model) = 0;
  /// Whether the model after this step may be kept: an epoch that ends before the final sparsity
  /// is reached never counts as the best.
  virtual bool settled(int64_t step, int64_t steps) const = 0;
  /// Differs for hooks that do something else: a checkpoint of another one is not resumed.
  virtual std::string fingerprint() const = 0;
  /// What the hook knows beside the model, for a checkpoint, and the way back. A hook that looks at
  /// nothing but the model and the step has no state.
  virtual std::string state() const { return {}; }
  virtual Status restore(const std::string& state) {
    return state.empty() ? Status() : Error{ErrorCode::kCorrupt, "this hook has no state"};
  }
};

/// What else takes part in a training.
struct TrainingPartners {
  const Graph* teacher = nullptr;  ///< Needed for distillation above 0; any float graph that fits.
  TrainingHook* hook = nullptr;    ///< A fresh one, also when a checkpoint is resumed.
  /// Weights that keep sharing their values: after each step every shared value becomes the mean of
  /// its weights, which for SGD is a step along the sum of their gradients.
  const std::vector<SharedLayer>* shared = nullptr;
};

struct FitReport {
  std::vector<EpochReport> epochs;
  int best_epoch = 0;
};

/// Trains a graph in place by cross-entropy on the softmax of its output (a final Softmax node is
/// understood). A quantized graph is trained with fake quantization: forward computes what the
/// integer executor will compute, gradients reach the float values that stand beside the integers
/// (straight-through estimator), and the scales follow by the rules of the options. Bit-identical
/// for any number of threads (on one instruction set), and when resumed from a checkpoint. Masked
/// weights stay zero. Errors: a graph that does not fit the dataset, options out of range, a loss
/// or a weight that is not finite (names the epoch and the layer), a checkpoint that is damaged or
/// of another training.
Result<FitReport> fit(Graph& graph, const data::Dataset& dataset, const TrainOptions& options,
                      const TrainCallbacks& callbacks = {}, const TrainingPartners& partners = {});

/// What a model gets right on a split.
struct Evaluation {
  int samples = 0;
  int correct = 0;
  double loss = 0;                          ///< Mean cross-entropy.
  std::vector<std::vector<int>> confusion;  ///< [true class][predicted class].
  double accuracy() const { return samples == 0 ? 0.0 : static_cast<double>(correct) / samples; }
};

/// Evaluates a float graph by the trainer's own forward pass in inference mode, a quantized one by
/// true integer arithmetic: exec::compile's plan, one a thread.
Result<Evaluation> evaluate(const Graph& graph, const data::Dataset& dataset, data::Split split,
                            int threads = 0);

/// Re-estimates the running statistics of every BatchNorm as the mean over batches of up to
/// `samples` unaugmented training samples, drawn by seed. Dropout is off.
Status recalibrate_batch_norm(Graph& graph, const data::Dataset& dataset, int samples,
                              uint64_t seed);

}  // namespace coppice::train
