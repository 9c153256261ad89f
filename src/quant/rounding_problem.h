#pragma once

#include <span>
#include <vector>

#include "quant/layer_access.h"
#include "quant/patches.h"

namespace coppice::quant {

/// One group of a layer as the rounding methods see it: rows of inputs, weights [outputs, depth] in
/// steps of their scale, and which integers they may become.
struct RoundingProblem {
  int outputs = 0, depth = 0, rows = 0;
  const float* exact_inputs = nullptr;      ///< [rows, depth], of the float graph.
  const float* quantized_inputs = nullptr;  ///< The same pixels of the quantized one.
  std::vector<float> weight;                ///< [outputs, depth], real.
  std::vector<float> step;                  ///< [outputs, depth]: scale, times the group's factor.
  std::vector<int32_t> factor;              ///< [outputs, depth]: that factor.
  std::vector<uint8_t> kept;                ///< [outputs, depth].
  std::vector<float> bias;                  ///< [outputs].
  Activation activation = Activation::kNone;
  IntegerRange integers;
  WeightRange range = WeightRange::kNarrow;
  int bits = 8;

  size_t size() const { return weight.size(); }
  int32_t nearest(size_t i) const {
    return kept[i] == 0 ? 0 : nearest_weight(weight[i], step[i], bits, range);
  }
};

/// Chooses the integers of one group, in steps (without the group factors).
using RoundGroup = std::vector<int32_t> (*)(const RoundingProblem& problem, int iterations,
                                            uint64_t seed);

/// Rounds the layers of `quantized` in order, each on what the layers before it yield now.
Status round_layers(const Graph& reference, Graph& quantized, const Samples& samples,
                    RoundGroup round, int iterations, uint64_t seed);

}  // namespace coppice::quant
