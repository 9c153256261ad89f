#pragma once

#include <memory>
#include <span>
#include <vector>

#include "coppice/data/dataset.h"
#include "coppice/graph/graph.h"
#include "coppice/train/fit.h"

namespace coppice::train {

/// Labelled samples in memory.
struct SampleSet {
  Shape shape;
  std::vector<float> values;  ///< [samples, elements]
  std::vector<int> labels;

  int size() const { return static_cast<int>(labels.size()); }
  std::span<const float> sample(int index) const;
};

/// Up to `count` samples of a split, unaugmented, drawn by seed. A split without samples is an
/// error.
Result<SampleSet> draw_samples(const data::Dataset& dataset, data::Split split, int count,
                               uint64_t seed);

/// Gradients of all trainable parameters: [node][parameter][element]; empty for the others.
using Gradients = std::vector<std::vector<std::vector<float>>>;

/// What a Differentiator differentiates.
enum class ProbeLoss {
  kCrossEntropy,  ///< Mean over the batch, on running statistics and without dropout.
  kSumOfOutputs,  ///< Sum of all logits; labels are not read.
};

/// Gradients of a float graph's loss on samples in memory, at any values of its parameters: what
/// data-driven pruning criteria are made from. Bit-identical for any number of threads.
class Differentiator {
 public:
  /// The samples are cut into batches of `batch`, the last one smaller. Errors: a graph that is
  /// quantized or does not fit the samples.
  static Result<std::unique_ptr<Differentiator>> make(const Graph& graph, const SampleSet& samples,
                                                      int batch, ProbeLoss loss, int threads = 0);
  ~Differentiator();

  int batches() const;
  /// Takes the parameter values of a graph of the same structure.
  void set_values(const Graph& graph);
  /// The loss on a batch and its gradients, those of pruned elements included.
  double gradients(int batch, Gradients& gradients);
  /// Mean loss and mean gradients over all samples.
  double mean_gradients(Gradients& gradients);

 private:
  struct State;
  explicit Differentiator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The logits of a float graph, [samples, classes].
Result<std::vector<float>> logits_of(const Graph& graph, const SampleSet& samples, int threads = 0);

/// Mean cross-entropy and share of correct answers of logits [samples, classes].
struct LogitScore {
  double loss = 0;
  double accuracy = 0;
};
LogitScore score_logits(const std::vector<float>& logits, const std::vector<int>& labels);

/// Mean Kullback-Leibler divergence of softmax(logits) from softmax(reference), in nats.
double mean_divergence(const std::vector<float>& reference, const std::vector<float>& logits,
                       int classes);

}  // namespace coppice::train
