#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "coppice/core/random.h"
#include "coppice/exec/plan.h"
#include "coppice/quant/quantize.h"
#include "random_graph.h"

namespace coppice::testing {

/// The graph quantized on random inputs.
inline Graph quantized(const Graph& graph, int bits, bool per_channel, Rounding rounding,
                       int activation_bits = 8) {
  std::vector<std::vector<float>> samples;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const auto input = random_input(graph, 100 + seed);
    samples.emplace_back(input.begin(), input.end());
  }
  quant::QuantizeOptions options;
  options.weight_bits = bits;
  options.per_channel = per_channel;
  options.rounding = rounding;
  options.activation_bits = activation_bits;
  auto result = quant::quantize(graph, samples, options);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return std::move(result).value();
}

/// What this processor can run, weakest first.
inline std::vector<Isa> supported_isas() {
  std::vector<Isa> isas;
  for (int i = 0; i <= static_cast<int>(Isa::kNeonDot); ++i) {
    if (isa_supported(static_cast<Isa>(i))) isas.push_back(static_cast<Isa>(i));
  }
  return isas;
}

inline std::vector<int8_t> random_bytes(int64_t count, uint64_t seed) {
  Random random(seed, "bytes");
  std::vector<int8_t> values(static_cast<size_t>(count));
  for (auto& value : values) value = static_cast<int8_t>(static_cast<int>(random.below(256)) - 128);
  return values;
}

/// The output after `times` runs of one plan.
inline std::vector<int8_t> run(const Graph& graph, const exec::Options& options,
                               const std::vector<int8_t>& input, int times = 1) {
  auto plan = exec::compile(graph, options);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  std::vector<int8_t> output(static_cast<size_t>(graph.output_shape().elements()));
  for (int i = 0; i < times; ++i) (*plan)->run_int8(input, output);
  return output;
}

}  // namespace coppice::testing
