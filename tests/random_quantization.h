#pragma once

#include "coppice/core/random.h"
#include "coppice/graph/graph.h"

namespace coppice::testing {

/// Gives every activation and parameter random integers and scales: weights of `bits` per output
/// channel, biases of 32 bits. Pruned elements get 0.
inline void quantize_randomly(Graph& graph, int bits, uint64_t seed) {
  Random random(seed, "quantize_randomly");
  for (auto& tensor : graph.tensors) {
    tensor.quantization = ActivationQuantization{8, random.uniform(0.001f, 1.0f),
                                                 static_cast<int>(random.below(256)) - 128};
  }
  for (auto& node : graph.nodes) {
    for (auto& parameter : node.parameters) {
      const bool weight = parameter.name == "weight";
      QuantizedValues quantized;
      quantized.bits = weight ? bits : 32;
      if (weight)
        quantized.axis =
            std::holds_alternative<DepthwiseConv2D>(node.op) ? parameter.shape.rank() - 1 : 0;
      quantized.scales.resize(weight ? static_cast<size_t>(parameter.shape[quantized.axis]) : 1);
      for (float& scale : quantized.scales) scale = random.uniform(0.0001f, 0.1f);
      const int half = weight ? 1 << (bits - 1) : 1 << 20;
      for (size_t i = 0; i < parameter.value.size(); ++i) {
        const auto value =
            static_cast<int32_t>(random.below(static_cast<uint32_t>(2 * half))) - half;
        quantized.values.push_back(!parameter.mask.empty() && parameter.mask[i] == 0 ? 0 : value);
      }
      parameter.quantized = std::move(quantized);
    }
  }
}

}  // namespace coppice::testing
