#include "quant/rounding_problem.h"

#include "coppice/core/thread_pool.h"

namespace coppice::quant {
namespace {

WeightFormat format_of(const QuantizedValues& q) {
  return {q.used_bits(), q.range, ScaleKind::kAffine, q.group_size};
}

// A layer's integers, group by group.
class LayerRounder {
 public:
  LayerRounder(const Graph& reference, const Graph& graph, size_t node, const Patches& exact,
               const Patches& quantized)
      : layer_(reference.nodes[node]),
        weight_(*layer_.parameter("weight")),
        quantized_(*graph.nodes[node].parameter("weight")->quantized),
        products_(graph, graph.nodes[node]),
        exact_inputs_(exact),
        quantized_inputs_(quantized),
        factors_(
            group_factors(weight_, format_of(quantized_), quantized_.axis, quantized_.scales)) {}

  int groups() const { return products_.groups(); }

  RoundingProblem problem(int group) const {
    RoundingProblem p;
    p.outputs = products_.outputs();
    p.depth = products_.depth();
    p.rows = exact_inputs_.rows;
    p.exact_inputs = exact_inputs_.of(products_, group);
    p.quantized_inputs = quantized_inputs_.of(products_, group);
    p.activation = activation_of(layer_.op);
    p.bits = quantized_.used_bits();
    p.range = quantized_.range;
    p.integers = weight_integers(p.bits, p.range);
    const Parameter* bias = layer_.parameter("bias");
    for (int output = 0; output < p.outputs; ++output) {
      const size_t channel = products_.channel(group, output);
      p.bias.push_back(bias == nullptr ? 0.0f : bias->value[channel]);
      const float scale = quantized_.scales[quantized_.axis < 0 ? 0 : channel];
      for (int k = 0; k < p.depth; ++k) {
        const size_t i = products_.element(group, output, k);
        p.weight.push_back(weight_.value[i]);
        p.factor.push_back(factors_[i]);
        p.step.push_back(scale * static_cast<float>(factors_[i]));
        p.kept.push_back(is_kept(weight_, i) ? 1 : 0);
      }
    }
    return p;
  }

  void store(int group, const RoundingProblem& p, const std::vector<int32_t>& integers,
             std::vector<int32_t>& values) const {
    for (int output = 0; output < p.outputs; ++output) {
      for (int k = 0; k < p.depth; ++k) {
        const size_t from = at(int64_t{output} * p.depth + k);
        values[products_.element(group, output, k)] = integers[from] * p.factor[from];
      }
    }
  }

 private:
  const Node& layer_;
  const Parameter& weight_;
  const QuantizedValues& quantized_;
  LayerProducts products_;
  const Patches &exact_inputs_, &quantized_inputs_;
  std::vector<int32_t> factors_;
};

}  // namespace

Status round_layers(const Graph& reference, Graph& quantized, const Samples& samples,
                    RoundGroup round, int iterations, uint64_t seed) {
  const std::vector<size_t> nodes = weighted_nodes(quantized);
  COPPICE_TRY(const auto exact, collect_patches(reference, samples, nodes, seed));
  ThreadPool pool;
  for (size_t l = 0; l < nodes.size(); ++l) {
    COPPICE_TRY(const auto inputs, collect_patches(quantized, samples, {nodes[l]}, seed));
    auto& values = quantized.nodes[nodes[l]].parameter("weight")->quantized->values;
    if (quantized.nodes[nodes[l]].parameter("weight")->quantized->range == WeightRange::kBinary)
      continue;  // A sign has no neighbour to round to.
    const LayerRounder rounder(reference, quantized, nodes[l], exact[l], inputs[0]);
    std::vector<int32_t> rounded = values;
    pool.run(rounder.groups(), [&](int group) {
      const RoundingProblem problem = rounder.problem(group);
      rounder.store(group, problem, round(problem, iterations, seed), rounded);
    });
    values = std::move(rounded);
  }
  return {};
}

}  // namespace coppice::quant
