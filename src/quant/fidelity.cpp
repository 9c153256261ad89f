#include "coppice/quant/fidelity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "coppice/exec/plan.h"
#include "train/network.h"

namespace coppice::quant {
namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

Result<Samples> float_logits(const Graph& graph, const Samples& inputs) {
  COPPICE_TRY(const Isa isa, active_isa());
  constexpr int kBatch = 64;
  ThreadPool pool;
  train::ParameterStore parameters(graph);
  train::Network network(graph, parameters, train::kernels_for(isa), {kBatch});
  Samples result;
  for (size_t begin = 0; begin < inputs.size(); begin += kBatch) {
    const size_t count = std::min<size_t>(kBatch, inputs.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      const auto& x = inputs[begin + i];
      std::copy(x.begin(), x.end(), network.input(static_cast<int>(i)).begin());
    }
    network.infer(pool, static_cast<int>(count));
    for (size_t i = 0; i < count; ++i) {
      const auto values = network.logits(static_cast<int>(i));
      result.emplace_back(values.begin(), values.end());
    }
  }
  return result;
}

Result<Samples> integer_logits(const Graph& graph, const Samples& inputs) {
  exec::Options options;
  options.executor = exec::Executor::kDense;
  COPPICE_TRY(const auto plan, exec::compile(graph, options));
  const Graph& compiled = plan->graph();
  const bool probabilities =
      !compiled.nodes.empty() && std::holds_alternative<Softmax>(compiled.nodes.back().op);
  const int tensor = probabilities ? compiled.nodes.back().inputs[0] : compiled.output;
  std::vector<float> output(at(graph.output_shape().elements()));
  Samples result;
  for (const auto& input : inputs) {
    std::vector<float> logits;
    plan->run_observed(input, output, [&](const exec::Observation& seen) {
      if (seen.tensor == tensor) logits = exec::real_values(compiled, seen);
    });
    result.push_back(std::move(logits));
  }
  return result;
}

std::vector<double> softmax(const std::vector<float>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  double sum = 0;
  for (const float value : logits) sum += p.emplace_back(std::exp(double{value} - largest));
  for (double& value : p) value /= sum;
  return p;
}

}  // namespace

double sqnr_db(double signal, double noise) {
  if (noise <= 0) return std::numeric_limits<double>::infinity();
  return 10.0 * std::log10(std::max(signal, 1e-300) / noise);
}

Result<Samples> logits_of(const Graph& graph, const Samples& inputs) {
  return graph.quantized() ? integer_logits(graph, inputs) : float_logits(graph, inputs);
}

Fidelity compare_logits(const Samples& reference, const Samples& other) {
  Fidelity result;
  double signal = 0, noise = 0;
  const auto count = static_cast<double>(reference.size());
  for (size_t i = 0; i < reference.size(); ++i) {
    const auto &a = reference[i], &b = other[i];
    const auto p = softmax(a), q = softmax(b);
    for (size_t k = 0; k < a.size(); ++k) {
      signal += double{a[k]} * double{a[k]};
      noise += (double{a[k]} - double{b[k]}) * (double{a[k]} - double{b[k]});
      if (p[k] > 0) result.divergence += p[k] * std::log(p[k] / std::max(q[k], 1e-30)) / count;
    }
    const auto best = [](const auto& v) {
      return std::max_element(v.begin(), v.end()) - v.begin();
    };
    result.agreement += best(a) == best(b) ? 1.0 / count : 0.0;
  }
  result.sqnr_db = sqnr_db(signal, noise);
  return result;
}

}  // namespace coppice::quant
