#include <algorithm>
#include <cmath>

#include "coppice/core/random.h"
#include "prune/criterion.h"

namespace coppice::prune {
namespace {

using train::Differentiator;
using train::Gradients;

constexpr int kBatch = 32;

// Base: what prepare() finds out is a score for each element of each weight.
class StoredScores : public ElementCriterion {
 protected:
  std::vector<double> element_scores(const Graph&, size_t node) const override {
    return stored_[node];
  }

  Result<std::unique_ptr<Differentiator>> start(const Graph& graph, const Evidence& evidence,
                                                int batch = kBatch) {
    stored_.assign(graph.nodes.size(), {});
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const Parameter* weight = graph.nodes[n].parameter("weight");
      if (weight != nullptr) stored_[n].assign(weight->value.size(), 0.0);
    }
    return Differentiator::make(graph, *evidence.samples, batch, train::ProbeLoss::kCrossEntropy,
                                evidence.threads);
  }

  // Calls visit(score, weight, gradient) for each element of each weight.
  template <class Visit>
  void for_each_weight(const Graph& graph, const Gradients& gradients, Visit visit) {
    for (size_t n = 0; n < stored_.size(); ++n) {
      if (stored_[n].empty()) continue;
      const std::vector<float>& values = weight_of(graph, n).value;
      const std::vector<float>& gradient = gradients[n][weight_index(graph.nodes[n])];
      for (size_t i = 0; i < values.size(); ++i) {
        visit(stored_[n][i], double{values[i]}, double{gradient[i]});
      }
    }
  }

  std::vector<std::vector<double>> stored_;  // By node, by element.
};

// Connection sensitivity |g w| (Lee, Ajanthan & Torr, "SNIP", ICLR 2019).
class Snip : public StoredScores {
 public:
  Status prepare(const Graph& graph, const Evidence& evidence) override {
    COPPICE_TRY(const auto differentiator, start(graph, evidence));
    Gradients gradients;
    differentiator->mean_gradients(gradients);
    for_each_weight(graph, gradients,
                    [](double& score, double w, double g) { score = std::fabs(g * w); });
    return {};
  }
};

// -sum(g w): how much the loss rises, to first order, when the group becomes zero; what would lower
// it goes first.
class TaylorSigned : public StoredScores {
 public:
  Status prepare(const Graph& graph, const Evidence& evidence) override {
    COPPICE_TRY(const auto differentiator, start(graph, evidence));
    Gradients gradients;
    differentiator->mean_gradients(gradients);
    for_each_weight(graph, gradients, [](double& score, double w, double g) { score = -g * w; });
    return {};
  }
};

// Base of criteria that square the sum of g w over a group, batch by batch.
class SquaredProducts : public Criterion {
 public:
  explicit SquaredProducts(int batch, double factor) : batch_(batch), factor_(factor) {}

  Status prepare(const Graph& graph, const Evidence& evidence) override {
    COPPICE_TRY(const auto differentiator,
                Differentiator::make(graph, *evidence.samples, batch_,
                                     train::ProbeLoss::kCrossEntropy, evidence.threads));
    gradients_.resize(static_cast<size_t>(differentiator->batches()));
    for (size_t b = 0; b < gradients_.size(); ++b) {
      Gradients all;
      differentiator->gradients(static_cast<int>(b), all);
      gradients_[b].resize(graph.nodes.size());
      for (size_t n = 0; n < graph.nodes.size(); ++n) {
        if (graph.nodes[n].parameter("weight") == nullptr) continue;
        gradients_[b][n] = std::move(all[n][weight_index(graph.nodes[n])]);
      }
    }
    return {};
  }

  std::vector<double> scores(const Graph& graph, size_t node, const Groups& groups) const override {
    const std::vector<float>& values = weight_of(graph, node).value;
    std::vector<double> result(static_cast<size_t>(groups.count), 0.0);
    std::vector<double> products(values.size());
    for (const auto& batch : gradients_) {
      for (size_t i = 0; i < values.size(); ++i) {
        products[i] = double{batch[node][i]} * values[i];
      }
      const std::vector<double> sums = sum_by_group(products, groups);
      for (size_t g = 0; g < sums.size(); ++g) result[g] += sums[g] * sums[g];
    }
    for (double& score : result) score *= factor_ / static_cast<double>(gradients_.size());
    return result;
  }

 private:
  int batch_;
  double factor_;
  std::vector<std::vector<std::vector<float>>> gradients_;  // By batch, by node.
};

// By = H g, from the gradients at w + s v and w - s v.
class HessianProduct {
 public:
  HessianProduct(const Graph& graph, Differentiator& differentiator)
      : graph_(graph), shifted_(graph), differentiator_(differentiator) {}

  // `direction` has the layout of Gradients. The step moves the weights by a thousandth of their
  // norm: rounding of the gradients then weighs about 1e-4, curvature of third order less.
  void apply(const Gradients& direction, Gradients& product) {
    const double step = 1e-3 * norm_of_weights() / std::max(norm(direction), 1e-30);
    Gradients behind;
    at(direction, step, product);
    at(direction, -step, behind);
    for_each(product, [&](size_t n, size_t p, size_t i, float& value) {
      value = static_cast<float>((double{value} - behind[n][p][i]) / (2 * step));
    });
    differentiator_.set_values(graph_);
  }

 private:
  template <class Visit>
  static void for_each(Gradients& values, Visit visit) {
    for (size_t n = 0; n < values.size(); ++n) {
      for (size_t p = 0; p < values[n].size(); ++p) {
        for (size_t i = 0; i < values[n][p].size(); ++i) visit(n, p, i, values[n][p][i]);
      }
    }
  }

  void at(const Gradients& direction, double step, Gradients& result) {
    for (size_t n = 0; n < direction.size(); ++n) {
      for (size_t p = 0; p < direction[n].size(); ++p) {
        const auto& from = graph_.nodes[n].parameters[p].value;
        auto& to = shifted_.nodes[n].parameters[p].value;
        for (size_t i = 0; i < direction[n][p].size(); ++i) {
          to[i] = static_cast<float>(from[i] + step * direction[n][p][i]);
        }
      }
    }
    differentiator_.set_values(shifted_);
    differentiator_.mean_gradients(result);
  }

  static double norm(const Gradients& values) {
    double sum = 0;
    for (const auto& node : values) {
      for (const auto& parameter : node) {
        for (const float value : parameter) sum += double{value} * value;
      }
    }
    return std::sqrt(sum);
  }
  double norm_of_weights() const {
    double sum = 0;
    for (const Node& node : graph_.nodes) {
      const Parameter* weight = node.parameter("weight");
      if (weight == nullptr) continue;
      for (const float value : weight->value) sum += double{value} * value;
    }
    return std::sqrt(sum);
  }

  const Graph& graph_;
  Graph shifted_;
  Differentiator& differentiator_;
};

// Only weights move, as only they are pruned.
void keep_weights_only(const Graph& graph, Gradients& values) {
  for (size_t n = 0; n < values.size(); ++n) {
    for (size_t p = 0; p < values[n].size(); ++p) {
      const Parameter& parameter = graph.nodes[n].parameters[p];
      if (parameter.name != "weight") std::fill(values[n][p].begin(), values[n][p].end(), 0.0f);
      if (parameter.name != "weight" || parameter.mask.empty()) continue;
      for (size_t i = 0; i < parameter.mask.size(); ++i) {
        if (parameter.mask[i] == 0) values[n][p][i] = 0.0f;
      }
    }
  }
}

// Removing w changes the gradient's squared norm by -2 w (H g): weights go first whose removal
// raises it, that is whose w (H g) is smallest (Wang, Zhang & Grosse, "Picking winning tickets
// before training by preserving gradient flow", ICLR 2020).
class Grasp : public StoredScores {
 public:
  Status prepare(const Graph& graph, const Evidence& evidence) override {
    COPPICE_TRY(const auto differentiator, start(graph, evidence));
    Gradients gradients, product;
    differentiator->mean_gradients(gradients);
    keep_weights_only(graph, gradients);
    HessianProduct(graph, *differentiator).apply(gradients, product);
    for_each_weight(graph, product, [](double& score, double w, double hg) { score = w * hg; });
    return {};
  }
};

// h w^2 / 2 with the Hessian's diagonal h (LeCun, Denker & Solla, "Optimal brain damage", NeurIPS
// 1990), estimated as the mean of z (H z) over random signs z (Bekas, Kokiopoulou & Saad, 2007).
class OptimalBrainDamage : public StoredScores {
 public:
  Status prepare(const Graph& graph, const Evidence& evidence) override {
    COPPICE_TRY(const auto differentiator, start(graph, evidence));
    HessianProduct hessian(graph, *differentiator);
    Gradients signs, product;
    differentiator->mean_gradients(signs);  // For the layout.
    for (int probe = 0; probe < kProbes; ++probe) {
      Random random(evidence.seed, "obd", static_cast<uint64_t>(probe));
      for (auto& node : signs) {
        for (auto& parameter : node) {
          for (float& value : parameter) value = (random.bits() & 1) != 0 ? 1.0f : -1.0f;
        }
      }
      keep_weights_only(graph, signs);
      hessian.apply(signs, product);
      for (size_t n = 0; n < stored_.size(); ++n) {
        if (stored_[n].empty()) continue;
        const size_t p = weight_index(graph.nodes[n]);
        const std::vector<float>& w = weight_of(graph, n).value;
        for (size_t i = 0; i < w.size(); ++i) {
          const double diagonal = double{signs[n][p][i]} * product[n][p][i];
          stored_[n][i] += 0.5 * diagonal * w[i] * w[i] / kProbes;
        }
      }
    }
    return {};
  }

 private:
  static constexpr int kProbes = 16;
};

// -sum of g w along a short training of a copy: weights that move away from zero are kept (Sanh,
// Wolf & Rush, "Movement pruning: adaptive sparsity by fine-tuning", NeurIPS 2020). Plain SGD with
// a rate that moves the weights by a thousandth of their norm in the first step.
class Movement : public StoredScores {
 public:
  Status prepare(const Graph& graph, const Evidence& evidence) override {
    COPPICE_TRY(const auto differentiator, start(graph, evidence));
    Graph moving = graph;
    Gradients gradients;
    double rate = 0;
    for (int pass = 0; pass < kPasses; ++pass) {
      for (int b = 0; b < differentiator->batches(); ++b) {
        differentiator->set_values(moving);
        differentiator->gradients(b, gradients);
        keep_weights_only(graph, gradients);
        for_each_weight(moving, gradients,
                        [](double& score, double w, double g) { score -= g * w; });
        if (rate == 0) rate = first_rate(graph, gradients);
        for (size_t n = 0; n < stored_.size(); ++n) {
          if (stored_[n].empty()) continue;
          auto& values = moving.nodes[n].parameter("weight")->value;
          const auto& gradient = gradients[n][weight_index(graph.nodes[n])];
          for (size_t i = 0; i < values.size(); ++i) {
            values[i] = static_cast<float>(values[i] - rate * gradient[i]);
          }
        }
      }
    }
    return {};
  }

 private:
  static constexpr int kPasses = 2;

  double first_rate(const Graph& graph, const Gradients& gradients) {
    double weights = 0, slopes = 0;
    for (size_t n = 0; n < stored_.size(); ++n) {
      if (stored_[n].empty()) continue;
      for (const float w : weight_of(graph, n).value) weights += double{w} * w;
      for (const float g : gradients[n][weight_index(graph.nodes[n])]) slopes += double{g} * g;
    }
    return 1e-3 * std::sqrt(weights) / std::max(std::sqrt(slopes), 1e-30);
  }
};

}  // namespace

std::unique_ptr<Criterion> make_snip() { return std::make_unique<Snip>(); }
std::unique_ptr<Criterion> make_taylor_signed() { return std::make_unique<TaylorSigned>(); }

// (sum of g w over the group)^2, mean over batches of 32 (Molchanov et al., "Importance estimation
// for neural network pruning", CVPR 2019, equation 8).
std::unique_ptr<Criterion> make_taylor_squared() {
  return std::make_unique<SquaredProducts>(kBatch, 1.0);
}

// Half the mean over samples of (sum of g w over the group)^2: the diagonal of the empirical Fisher
// information in place of the Hessian (Theis et al., "Faster gaze prediction with dense networks
// and Fisher pruning", arXiv 1801.05787).
std::unique_ptr<Criterion> make_fisher() { return std::make_unique<SquaredProducts>(1, 0.5); }

std::unique_ptr<Criterion> make_grasp() { return std::make_unique<Grasp>(); }
std::unique_ptr<Criterion> make_obd() { return std::make_unique<OptimalBrainDamage>(); }
std::unique_ptr<Criterion> make_movement() { return std::make_unique<Movement>(); }

}  // namespace coppice::prune
