#pragma once

#include <cstdint>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice {

/// A tensor's place in the arena and when it is alive (node indices, inclusive; -1 = the input).
struct TensorPlacement {
  int tensor = -1;
  int64_t offset = 0;  ///< Bytes from the start of the arena.
  int64_t bytes = 0;
  int first = -1;
  int last = -1;
};

/// Where each activation lives. Tensors whose lifetimes overlap never share bytes; Flatten,
/// Reshape and Dropout outputs alias their input.
struct MemoryPlan {
  std::vector<TensorPlacement> placements;  ///< One for each tensor of the graph, by index.
  int64_t arena_bytes = 0;                  ///< Peak RAM for activations, input and output included.
};

/// Plans the arena greedily by size (largest first, first fit): bytes an element are 4 for float
/// activations, 1 for 8-bit ones. `alignment` is in bytes.
MemoryPlan plan_memory(const Graph& graph, int alignment = 16);

}  // namespace coppice
