#pragma once

#include <cstdint>

#include "coppice/graph/graph.h"

namespace coppice::cli {

/// A graph quantized with ranges from random inputs: what it computes means nothing, what it costs
/// does.
Result<Graph> random_quantized(const Graph& graph, int bits, uint64_t seed);

}  // namespace coppice::cli
