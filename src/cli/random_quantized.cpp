#include "cli/random_quantized.h"

#include <vector>

#include "coppice/core/random.h"
#include "coppice/quant/quantize.h"

namespace coppice::cli {

Result<Graph> random_quantized(const Graph& graph, int bits, uint64_t seed) {
  constexpr uint64_t kSamples = 8;
  std::vector<std::vector<float>> calibration;
  for (uint64_t sample = 0; sample < kSamples; ++sample) {
    Random random(seed, "bench calibration", sample);
    calibration.emplace_back(static_cast<size_t>(graph.input_shape().elements()));
    for (auto& value : calibration.back()) value = random.uniform(-1.0f, 1.0f);
  }
  quant::QuantizeOptions options;
  options.weight_bits = bits;
  options.seed = seed;
  return quant::quantize(graph, calibration, options);
}

}  // namespace coppice::cli
