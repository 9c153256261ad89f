#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coppice/core/thread_pool.h"
#include "coppice/graph/graph.h"
#include "train/layer.h"
#include "train/memory.h"
#include "train/parameter_store.h"

namespace coppice::train {

enum class Mode {
  kInference,   ///< Running statistics, no dropout.
  kStatistics,  ///< Batch norms use and record the batch's statistics; no dropout, no gradients.
  kTraining,    ///< Batch statistics, dropout, gradients.
  kGradients,   ///< Running statistics, no dropout, gradients: the loss as inference sees it.
};

/// What the gradients are of.
enum class Objective {
  kCrossEntropy,
  kSumOfOutputs,  ///< The sum of the logits; labels are not read (SynFlow).
};

struct NetworkOptions {
  int batch = 64;
  Mode mode = Mode::kInference;
  float label_smoothing = 0.0f;
  Quantization* quantization = nullptr;  ///< Run in integers (see quantization.h), else nullptr.
  Objective objective = Objective::kCrossEntropy;
  float distillation = 0.0f;              ///< Share of the loss that follows a teacher.
  float distillation_temperature = 4.0f;  ///< Softens both outputs.
};

/// Sums over the samples of a batch.
struct BatchResult {
  double loss = 0;
  int correct = 0;
};

/// A graph made ready to run batches, on parameters that live in a store (which several networks
/// may share). Nothing is allocated after the first batch.
class Network {
 public:
  Network(const Graph& graph, ParameterStore& parameters, const Kernels& kernels,
          const NetworkOptions& options);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  int classes() const { return static_cast<int>(logits_->elements); }
  /// Where sample `index` of the next batch goes.
  std::span<float> input(int index);
  std::span<const float> logits(int index) const;

  /// Forward for the first `samples` inputs. `statistics_momentum` as in StepState.
  void infer(ThreadPool& pool, int samples, float statistics_momentum = -1.0f);

  /// Forward, loss and backward; the gradients of the mean loss are then in gradients(). With
  /// distillation, `teacher` holds the teacher's logits [samples, classes].
  BatchResult train(ThreadPool& pool, std::span<const int> labels, const StepState& step,
                    std::span<const float> teacher = {});

  /// The first layer whose output of the last batch holds a value that is not finite, or "".
  std::string first_broken_layer() const;

  /// Gradients by lane, of the lanes that the last batch used.
  const GradientLanes& gradients() const { return used_; }

 private:
  class LossLayer;
  // Layers that a tile runs through without waiting for other tiles, and what one thread does
  // when all tiles are through.
  struct Stage {
    Layer* layer;
    void (Layer::*run)(const Tile&);
  };
  struct Phase {
    std::vector<Stage> stages;
    Layer* layer = nullptr;
    void (Layer::*finish)() = nullptr;
  };

  void allocate(const Graph& graph, const struct LoweredGraph& lowered,
                const struct GradientPlan& plan);
  void make_layers(const Graph& graph, const LoweredGraph& lowered, const GradientPlan& plan,
                   ParameterStore& parameters);
  void schedule_forward();
  void schedule_backward(const LoweredGraph& lowered, const GradientPlan& plan);
  void run_phases(ThreadPool& pool);
  void finish_gradients(ThreadPool& pool);
  void run_lane(const Phase& phase, int lane);

  const Kernels& kernels_;
  NetworkOptions options_;
  int lane_samples_ = 1;
  int tile_samples_ = 1;
  GradientLanes lanes_, used_;
  StepState step_;
  AlignedFloats values_, gradient_values_, lane_values_;
  std::vector<Blob> blobs_;  // By storage.
  const Blob* input_ = nullptr;
  const Blob* logits_ = nullptr;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<std::string> names_;      // Of the layers.
  std::vector<const Blob*> outputs_;    // Of the layers.
  std::unique_ptr<Layer> input_layer_;  // Both only in integers.
  std::unique_ptr<Layer> output_layer_;
  std::unique_ptr<LossLayer> loss_;
  std::vector<Phase> phases_;
};

}  // namespace coppice::train
