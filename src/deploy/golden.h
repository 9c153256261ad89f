#pragma once

#include <cstdint>
#include <vector>

#include "coppice/deploy/generate.h"

namespace coppice::deploy {

/// Inputs, and what this machine's reference executor makes of them.
struct Golden {
  std::vector<std::vector<int8_t>> inputs;
  std::vector<std::vector<int8_t>> outputs;
};
Result<Golden> compute_golden(const Graph& graph, const GenerateOptions& options);

/// Every activation of the graph for this input, by tensor index.
Result<std::vector<std::vector<int8_t>>> compute_tensors(const Graph& graph,
                                                         const std::vector<int8_t>& input);

/// The source file of the self-test's data.
std::string golden_source(const Golden& golden);

}  // namespace coppice::deploy
