#include <algorithm>
#include <cmath>
#include <numeric>

#include "coppice/core/random.h"
#include "prune/criterion.h"

namespace coppice::prune {
namespace {

// Norms of a group: L1 is Han et al., "Learning both weights and connections for efficient neural
// networks", NeurIPS 2015, and for filters Li et al., "Pruning filters for efficient convnets",
// ICLR 2017.
template <int kOrder>
class Magnitude : public Criterion {
 public:
  std::vector<double> scores(const Graph& graph, size_t node, const Groups& groups) const override {
    const std::vector<float>& values = weight_of(graph, node).value;
    std::vector<double> result(static_cast<size_t>(groups.count), 0.0);
    for (size_t i = 0; i < values.size(); ++i) {
      const double magnitude = std::fabs(values[i]);
      double& score = result[static_cast<size_t>(groups.group_of[i])];
      if (kOrder == 0) score = std::max(score, magnitude);
      if (kOrder == 1) score += magnitude;
      if (kOrder == 2) score += magnitude * magnitude;
    }
    if (kOrder == 2) {
      for (double& score : result) score = std::sqrt(score);
    }
    return result;
  }
};

// The control of every comparison.
class RandomScore : public Criterion {
 public:
  Status prepare(const Graph&, const Evidence& evidence) override {
    seed_ = evidence.seed;
    return {};
  }
  std::vector<double> scores(const Graph& graph, size_t node, const Groups& groups) const override {
    Random random(seed_, "prune/" + graph.nodes[node].name);
    std::vector<double> result(static_cast<size_t>(groups.count));
    for (double& score : result) score = random.uniform();
    return result;
  }

 private:
  uint64_t seed_ = 0;
};

// Layer-adaptive magnitude: |w|^2 over the sum of the squares that are not smaller, so that a
// global ranking never takes the last group of a layer (Lee et al., "Layer-adaptive sparsity for
// the magnitude-based pruning", ICLR 2021).
class Lamp : public Criterion {
 public:
  std::vector<double> scores(const Graph& graph, size_t node, const Groups& groups) const override {
    const std::vector<float>& values = weight_of(graph, node).value;
    std::vector<double> squares(values.size());
    for (size_t i = 0; i < values.size(); ++i) squares[i] = double{values[i]} * values[i];
    std::vector<double> result = sum_by_group(squares, groups);
    std::vector<size_t> order(result.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return result[a] < result[b]; });
    double tail = 0;
    for (size_t i = order.size(); i-- > 0;) {
      double& score = result[order[i]];
      tail += score;
      score = tail > 0 ? score / tail : 0.0;
    }
    return result;
  }
};

}  // namespace

template <int kOrder>
std::unique_ptr<Criterion> make_magnitude() {
  return std::make_unique<Magnitude<kOrder>>();
}
template std::unique_ptr<Criterion> make_magnitude<0>();
template std::unique_ptr<Criterion> make_magnitude<1>();
template std::unique_ptr<Criterion> make_magnitude<2>();
std::unique_ptr<Criterion> make_random() { return std::make_unique<RandomScore>(); }
std::unique_ptr<Criterion> make_lamp() { return std::make_unique<Lamp>(); }

}  // namespace coppice::prune
