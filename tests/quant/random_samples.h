#pragma once

#include "coppice/core/random.h"
#include "coppice/quant/quantize.h"

namespace coppice::quant {

/// `count` inputs of the graph with normal values, `amplitude` times as large.
inline Samples random_samples(const Graph& graph, int count, float amplitude = 1.0f) {
  Samples samples;
  for (int i = 0; i < count; ++i) {
    Random random(static_cast<uint64_t>(i), "samples");
    samples.emplace_back(static_cast<size_t>(graph.input_shape().elements()));
    for (float& value : samples.back()) value = amplitude * random.normal();
  }
  return samples;
}

}  // namespace coppice::quant
