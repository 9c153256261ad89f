#include <algorithm>
#include <cmath>
#include <numeric>

#include "coppice/core/cpu.h"
#include "coppice/core/random.h"
#include "coppice/quant/steps.h"
#include "quant/rounding_problem.h"
#include "train/kernels.h"

namespace coppice::quant {
namespace {

// The stretched sigmoid's ends (Louizos et al., ICLR 2018): it reaches 0 and 1.
constexpr float kHigh = 1.1f, kLow = -0.1f;
constexpr float kRate = 1e-2f;
constexpr int kBatch = 128;
constexpr float kWarmUp = 0.2f;  // Share of the iterations without the pull towards 0 and 1.

const train::Kernels& kernels() {
  const auto isa = active_isa();
  return train::kernels_for(isa.ok() ? *isa : Isa::kScalar);
}

float activated(float z, Activation activation) {
  if (activation == Activation::kNone) return z;
  return std::clamp(z, 0.0f, activation == Activation::kRelu6 ? 6.0f : INFINITY);
}

// What one group learns: how far above its floor each weight is, h in [0, 1].
class AdaRound {
 public:
  AdaRound(const RoundingProblem& problem, int iterations, uint64_t seed)
      : p_(problem),
        kernels_(kernels()),
        iterations_(iterations),
        random_(seed, "adaround"),
        floor_(p_.size()),
        variable_(p_.size()),
        soft_(p_.size()),
        gradient_(p_.size()),
        first_(p_.size(), 0.0f),
        second_(p_.size(), 0.0f),
        targets_(product(p_.exact_inputs, p_.weight, p_.rows)) {
    for (size_t i = 0; i < p_.size(); ++i) {
      const float steps = p_.weight[i] / p_.step[i];
      floor_[i] = std::floor(steps);
      const float h = std::clamp(steps - floor_[i], 0.001f, 0.999f);
      variable_[i] = -std::log((kHigh - kLow) / (h - kLow) - 1.0f);
    }
  }

  std::vector<int32_t> run() {
    std::vector<int32_t> nearest;
    for (size_t i = 0; i < p_.size(); ++i) nearest.push_back(p_.nearest(i));
    for (int t = 0; t < iterations_; ++t) step(t);
    std::vector<int32_t> learned;
    for (size_t i = 0; i < p_.size(); ++i) {
      const float up = opened(variable_[i]) >= 0.5f ? 1.0f : 0.0f;
      learned.push_back(p_.kept[i] == 0 ? 0 : static_cast<int32_t>(legal(floor_[i] + up)));
    }
    // On all rows, and whole: never worse than where it came from.
    return error_of(learned) < error_of(nearest) ? learned : nearest;
  }

 private:
  static float opened(float variable) {
    return std::clamp((kHigh - kLow) / (1.0f + std::exp(-variable)) + kLow, 0.0f, 1.0f);
  }
  float legal(float integer) const {
    return std::clamp(integer, static_cast<float>(p_.integers.low),
                      static_cast<float>(p_.integers.high));
  }

  std::vector<float> product(const float* inputs, const std::vector<float>& weight,
                             int rows) const {
    std::vector<float> sums(at(int64_t{rows} * p_.outputs));
    kernels_.gemm_nt({rows, p_.outputs, p_.depth, inputs, p_.depth, weight.data(), p_.depth,
                      sums.data(), p_.outputs, false});
    return sums;
  }

  // sums -> activated difference to the targets; its square summed. With `by_sum` the gradient of
  // half of that stays in sums.
  double compare(std::vector<float>& sums, int first_row, bool by_sum) const {
    double error = 0;
    const float* target = targets_.data() + int64_t{first_row} * p_.outputs;
    for (size_t i = 0; i < sums.size(); ++i) {
      const float bias = p_.bias[i % at(p_.outputs)];
      const float found = activated(sums[i] + bias, p_.activation);
      const float difference = found - activated(target[i] + bias, p_.activation);
      error += double{difference} * double{difference};
      // Where the activation cuts off, a little slope keeps a dead output from staying dead.
      const bool cut = p_.activation != Activation::kNone && found != sums[i] + bias;
      if (by_sum) sums[i] = cut ? 0.1f * difference : difference;
    }
    return error;
  }

  double error_of(const std::vector<int32_t>& integers) const {
    std::vector<float> weight(p_.size());
    for (size_t i = 0; i < weight.size(); ++i) {
      weight[i] = static_cast<float>(integers[i]) * p_.step[i];
    }
    auto sums = product(p_.quantized_inputs, weight, p_.rows);
    return compare(sums, 0, false);
  }

  void step(int t) {
    for (size_t i = 0; i < p_.size(); ++i) {
      soft_[i] = p_.kept[i] == 0 ? 0.0f : p_.step[i] * legal(floor_[i] + opened(variable_[i]));
    }
    const int rows = std::min(kBatch, p_.rows);
    const auto first = static_cast<int>(random_.below(static_cast<uint32_t>(p_.rows - rows + 1)));
    const float* inputs = p_.quantized_inputs + int64_t{first} * p_.depth;
    auto sums = product(inputs, soft_, rows);
    compare(sums, first, true);
    kernels_.gemm_tn({p_.outputs, p_.depth, rows, sums.data(), p_.outputs, inputs, p_.depth,
                      gradient_.data(), p_.depth, false});
    update(t);
  }

  // Adam on the variables. The pull 1 - |2h - 1|^beta, beta from 20 to 2, is weighed by the mean
  // size of the reconstruction's gradient, so that it means the same for any layer.
  void update(int t) {
    const float progress = static_cast<float>(t) / static_cast<float>(iterations_);
    const bool pulls = progress > kWarmUp;
    const float beta = 2.0f + 18.0f * (1.0f - progress) / (1.0f - kWarmUp);
    double size = 0;
    for (size_t i = 0; i < p_.size(); ++i) size += std::abs(gradient_[i] * p_.step[i]);
    const float pull = pulls ? static_cast<float>(size / static_cast<double>(p_.size())) : 0.0f;
    const float correct_first = 1.0f / (1.0f - std::pow(0.9f, static_cast<float>(t + 1)));
    const float correct_second = 1.0f / (1.0f - std::pow(0.999f, static_cast<float>(t + 1)));
    for (size_t i = 0; i < p_.size(); ++i) {
      if (p_.kept[i] == 0) continue;
      const float sigmoid = 1.0f / (1.0f + std::exp(-variable_[i]));
      const float h = std::clamp((kHigh - kLow) * sigmoid + kLow, 0.0f, 1.0f);
      if (h <= 0.0f || h >= 1.0f) continue;
      const float away = 2.0f * h - 1.0f;
      const float regular =
          -2.0f * beta * std::pow(std::abs(away), beta - 1.0f) * (away < 0.0f ? -1.0f : 1.0f);
      const float by_h = gradient_[i] * p_.step[i] + pull * regular;
      const float g = by_h * (kHigh - kLow) * sigmoid * (1.0f - sigmoid);
      first_[i] = 0.9f * first_[i] + 0.1f * g;
      second_[i] = 0.999f * second_[i] + 0.001f * g * g;
      variable_[i] -=
          kRate * first_[i] * correct_first / (std::sqrt(second_[i] * correct_second) + 1e-12f);
    }
  }

  const RoundingProblem& p_;
  const train::Kernels& kernels_;
  int iterations_;
  Random random_;
  std::vector<float> floor_, variable_, soft_, gradient_, first_, second_;
  std::vector<float> targets_;  // [rows, outputs], without the bias.
};

std::vector<int32_t> round_group(const RoundingProblem& problem, int iterations, uint64_t seed) {
  return AdaRound(problem, iterations, seed).run();
}

}  // namespace

Status round_adaptively(const Graph& reference, Graph& quantized, const Samples& samples,
                        int iterations, uint64_t seed) {
  return round_layers(reference, quantized, samples, round_group, iterations, seed);
}

}  // namespace coppice::quant
