#include <algorithm>
#include <cmath>

#include "prune/criterion.h"
#include "prune/layer_inputs.h"

namespace coppice::prune {
namespace {

// The flow through the network when each weight is |w|, each bias and offset 0 and the
// input all ones: |dR/dw w| with R the sum of the outputs (Tanaka et al., "Pruning neural networks
// without any data by iteratively conserving synaptic flow", NeurIPS 2020). Needs no data; meant to
// be applied in many rounds.
class SynFlow : public ElementCriterion {
 public:
  Status prepare(const Graph& graph, const Evidence& evidence) override {
    const Graph linear = linearized(graph);
    train::SampleSet ones;
    ones.shape = graph.input_shape();
    ones.values.assign(static_cast<size_t>(ones.shape.elements()), 1.0f);
    ones.labels = {0};
    COPPICE_TRY(const auto differentiator,
                train::Differentiator::make(linear, ones, 1, train::ProbeLoss::kSumOfOutputs,
                                            evidence.threads));
    differentiator->mean_gradients(gradients_);
    return {};
  }

 protected:
  std::vector<double> element_scores(const Graph& graph, size_t node) const override {
    const std::vector<float>& values = weight_of(graph, node).value;
    const std::vector<float>& gradient = gradients_[node][weight_index(graph.nodes[node])];
    std::vector<double> scores(values.size());
    for (size_t i = 0; i < scores.size(); ++i) {
      scores[i] = std::fabs(double{gradient[i]} * values[i]);
    }
    return scores;
  }

 private:
  static Graph linearized(Graph graph) {
    for (Node& node : graph.nodes) {
      if (std::holds_alternative<Relu6>(node.op)) node.op = Relu{};
      std::visit(
          [](auto& op) {
            if constexpr (requires { op.activation; }) op.activation = Activation::kNone;
          },
          node.op);
      for (Parameter& parameter : node.parameters) {
        const bool zero =
            parameter.name == "bias" || parameter.name == "beta" || parameter.name == "mean";
        for (float& value : parameter.value) value = zero ? 0.0f : std::fabs(value);
      }
    }
    return graph;
  }

  train::Gradients gradients_;
};

// Base of criteria that know one number for each output channel of a layer.
class ChannelCriterion : public Criterion {
 public:
  bool for_channels_only() const override { return true; }
  std::vector<double> scores(const Graph&, size_t node, const Groups& groups) const override {
    std::vector<double> result = channels_[node];
    result.resize(static_cast<size_t>(groups.count), 0.0);
    return result;
  }

 protected:
  std::vector<std::vector<double>> channels_;  // By node.
};

// Sum of the Euclidean distances to the layer's other filters: a filter near the geometric median
// can be spoken for by the others (He et al., "Filter pruning via geometric median", CVPR 2019).
class GeometricMedian : public ChannelCriterion {
 public:
  Status prepare(const Graph& graph, const Evidence&) override {
    channels_.assign(graph.nodes.size(), {});
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const Parameter* weight = graph.nodes[n].parameter("weight");
      if (weight == nullptr) continue;
      const WeightMatrix matrix = weight_matrix(graph.nodes[n], *weight);
      auto& sums = channels_[n];
      sums.assign(static_cast<size_t>(matrix.rows), 0.0);
      for (int64_t a = 0; a < matrix.rows; ++a) {
        for (int64_t b = 0; b < a; ++b) {
          const double distance = distance_between(*weight, matrix, a, b);
          sums[static_cast<size_t>(a)] += distance;
          sums[static_cast<size_t>(b)] += distance;
        }
      }
    }
    return {};
  }

 private:
  static double distance_between(const Parameter& weight, const WeightMatrix& matrix, int64_t a,
                                 int64_t b) {
    double sum = 0;
    for (int64_t c = 0; c < matrix.columns; ++c) {
      const double difference = double{weight.value[static_cast<size_t>(matrix.element(a, c))]} -
                                weight.value[static_cast<size_t>(matrix.element(b, c))];
      sum += difference * difference;
    }
    return std::sqrt(sum);
  }
};

// |gamma| of the batch norm that reads the layer (Liu et al., "Learning efficient convolutional
// networks through network slimming", ICCV 2017). A layer without one scores by the mean |w| of the
// filter, which is what gamma scales.
class BatchNormScale : public ChannelCriterion {
 public:
  Status prepare(const Graph& graph, const Evidence&) override {
    channels_.assign(graph.nodes.size(), {});
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const Parameter* weight = graph.nodes[n].parameter("weight");
      if (weight == nullptr) continue;
      const Parameter* gamma = gamma_after(graph, graph.nodes[n]);
      const WeightMatrix matrix = weight_matrix(graph.nodes[n], *weight);
      auto& scales = channels_[n];
      scales.assign(static_cast<size_t>(matrix.rows), 0.0);
      for (int64_t r = 0; r < matrix.rows; ++r) {
        double& scale = scales[static_cast<size_t>(r)];
        if (gamma != nullptr) scale = std::fabs(gamma->value[static_cast<size_t>(r)]);
        for (int64_t c = 0; gamma == nullptr && c < matrix.columns; ++c) {
          scale += std::fabs(weight->value[static_cast<size_t>(matrix.element(r, c))]) /
                   static_cast<double>(matrix.columns);
        }
      }
    }
    return {};
  }

 private:
  static const Parameter* gamma_after(const Graph& graph, const Node& layer) {
    for (const Node& node : graph.nodes) {
      if (node.inputs[0] == layer.output && std::holds_alternative<BatchNorm>(node.op)) {
        return node.parameter("gamma");
      }
    }
    return nullptr;
  }
};

// Statistics of a layer's output, after its batch norm and activation, on the samples.
class OutputStatistic : public ChannelCriterion {
 public:
  Status prepare(const Graph& graph, const Evidence& evidence) override {
    channels_.assign(graph.nodes.size(), {});
    const double samples = evidence.samples->size();
    return visit_layer_outputs(graph, *evidence.samples, [&](const SeenTensor& seen) {
      const auto channels = static_cast<size_t>(seen.shape.back());
      auto& sums = channels_[seen.node];
      sums.resize(channels, 0.0);
      const double share = static_cast<double>(channels) / static_cast<double>(seen.values.size());
      for (size_t i = 0; i < seen.values.size(); ++i) {
        sums[i % channels] += term(seen.values[i]) * share / samples;
      }
    });
  }

 protected:
  virtual double term(float value) const = 0;
};

// 1 - APoZ, the average share of zeros (Hu et al., "Network trimming", arXiv 1607.03250).
class ShareAboveZero : public OutputStatistic {
  double term(float value) const override { return value > 0.0f ? 1.0 : 0.0; }
};

// Mean |activation| (Molchanov et al., "Pruning convolutional neural networks for resource
// efficient inference", ICLR 2017, section 2.2).
class MeanActivation : public OutputStatistic {
  double term(float value) const override { return std::fabs(value); }
};

}  // namespace

std::unique_ptr<Criterion> make_synflow() { return std::make_unique<SynFlow>(); }
std::unique_ptr<Criterion> make_fpgm() { return std::make_unique<GeometricMedian>(); }
std::unique_ptr<Criterion> make_batch_norm_scale() { return std::make_unique<BatchNormScale>(); }
std::unique_ptr<Criterion> make_apoz() { return std::make_unique<ShareAboveZero>(); }
std::unique_ptr<Criterion> make_mean_activation() { return std::make_unique<MeanActivation>(); }

}  // namespace coppice::prune
