#include "deploy/golden.h"

#include <fmt/format.h>

#include <algorithm>

#include "coppice/core/random.h"
#include "coppice/exec/plan.h"
#include "coppice/kernels/quantize.h"
#include "deploy/code_text.h"

namespace coppice::deploy {
namespace {

size_t elements_of(const Graph& graph, int tensor) {
  return static_cast<size_t>(graph.tensors[static_cast<size_t>(tensor)].shape.elements());
}

std::string rows_text(const std::vector<std::vector<int8_t>>& rows) {
  std::string text;
  for (const auto& row : rows) {
    std::vector<std::string> values;
    for (int8_t value : row) values.push_back(std::to_string(value));
    text += "{\n" + wrapped_values(values) + "},\n";
  }
  return text;
}

}  // namespace

Result<Golden> compute_golden(const Graph& graph, const GenerateOptions& options) {
  COPPICE_TRY(const auto plan, exec::compile(graph));
  Golden golden;
  for (int index = 0; index < options.self_test_inputs; ++index) {
    Random random(options.seed, "firmware self-test", static_cast<uint64_t>(index));
    std::vector<int8_t> input(elements_of(graph, graph.input));
    for (auto& value : input)
      value = static_cast<int8_t>(static_cast<int>(random.below(256)) - 128);
    std::vector<int8_t> output(elements_of(graph, graph.output));
    plan->run_int8(input, output);
    golden.inputs.push_back(std::move(input));
    golden.outputs.push_back(std::move(output));
  }
  return golden;
}

Result<std::vector<std::vector<int8_t>>> compute_tensors(const Graph& graph,
                                                         const std::vector<int8_t>& input) {
  COPPICE_TRY(const auto plan, exec::compile(graph));
  const auto& quantization = *graph.tensors[static_cast<size_t>(graph.input)].quantization;
  // Quantizing these reals gives the integers back: the quotient is within 2^-23 of a whole number.
  std::vector<float> real(input.size());
  std::transform(input.begin(), input.end(), real.begin(), [&](int8_t value) {
    return kernels::dequantize_value(value, quantization.scale, quantization.zero_point);
  });
  std::vector<float> output(elements_of(graph, graph.output));
  std::vector<std::vector<int8_t>> tensors(graph.tensors.size());
  plan->run_observed(real, output, [&](const exec::Observation& seen) {
    tensors[static_cast<size_t>(seen.tensor)].assign(seen.integer.begin(), seen.integer.end());
  });
  return tensors;
}

std::string golden_source(const Golden& golden) {
  return fmt::format(
      "// Inputs of the self-test and the outputs of Coppice's reference executor for them.\n"
      "#include \"data.h\"\n\n"
      "const int coppice_selftest_count = {};\n\n"
      "const int8_t coppice_selftest_inputs[][COPPICE_MODEL_INPUT_BYTES] = {{\n{}}};\n\n"
      "const int8_t coppice_selftest_outputs[][COPPICE_MODEL_OUTPUT_BYTES] = {{\n{}}};\n",
      golden.inputs.size(), rows_text(golden.inputs), rows_text(golden.outputs));
}

}  // namespace coppice::deploy
