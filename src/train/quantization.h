#pragma once

#include <string>
#include <vector>

#include "coppice/graph/scheme.h"
#include "coppice/train/fit.h"
#include "train/kernels.h"
#include "train/parameter_store.h"

namespace coppice::train {

/// What quantization-aware training knows beside the weights. A network in this mode runs on
/// integers held in floats: activations are steps from their zero point, weights are integers, sums
/// are exact up to 2^24. The state that learns (logarithms of factors on scales, running ranges)
/// lies in the parameter store with the weights, so that checkpoints and the best epoch hold it
/// too.
class Quantization {
 public:
  /// `graph` must be quantized and fused; see check_trainable().
  Quantization(const Graph& graph, const TrainOptions& options);

  /// The graph with the learning state as more parameters of its layers; for stores and networks.
  const Graph& training_graph() const { return training_graph_; }
  void bind(ParameterStore& parameters) { parameters_ = &parameters; }

  /// Once before each batch: scales and integers that follow from the store.
  void refresh();
  /// Once after each batch of training: real numbers that a layer's output reached.
  void observe(size_t node, Range seen);
  /// Ranges stay as they are from now on.
  void freeze(bool frozen) { frozen_ = frozen; }

  /// The quantized graph as of the last refresh().
  const Graph& model() const { return model_; }
  const ActivationQuantization& activation(int tensor) const {
    return *model_.tensors[static_cast<size_t>(tensor)].quantization;
  }
  /// What an activation lets through, in steps from the zero point.
  Clamp clamp(int tensor, Activation activation) const;

  /// Whether the outputs of a layer are watched for their range.
  bool observes(size_t node) const;
  /// The layer whose parameter "output_scale" holds the logarithm of a factor on its output's
  /// first scale, or -1.
  int scale_holder(size_t node) const;
  bool learns_weight_scales() const {
    return options_.weight_scale_rule == WeightScaleRule::kLearned;
  }
  bool pact() const { return options_.range_rule == RangeRule::kPact; }
  /// The first layer with a weight, bias or scale that is not finite, or "".
  const std::string& broken_layer() const { return broken_layer_; }

 private:
  enum class Rule { kFixed, kMovingAverage, kLearned };
  struct Group {
    Rule rule = Rule::kFixed;
    std::vector<size_t> writers;  // Layers that requantize into it.
    ActivationFormat format;
    float first_scale = 1.0f;
  };

  void add_groups();
  void add_state(size_t node, const std::string& name, std::vector<float> values);
  float* state(size_t node, std::string_view name) const;
  void refresh_group(int group);
  void refresh_weights(size_t node);
  void check_finite(size_t node, const Parameter& parameter);

  TrainOptions options_;
  Graph model_, training_graph_;
  std::vector<int> group_of_;          // By tensor.
  std::vector<Group> groups_;          // By tensor; those of their lowest tensor are used.
  std::vector<WeightFormat> formats_;  // By node.
  std::vector<std::vector<float>> first_scales_;  // By node; learned scales are factors of them.
  ParameterStore* parameters_ = nullptr;
  bool frozen_ = false;
  std::string broken_layer_;
};

/// Whether a quantized graph can be trained: fused, no softmax but at its end, no groups whose
/// scales are to be learned. The error names the layer.
Status check_trainable(const Graph& graph, const TrainOptions& options);

}  // namespace coppice::train
