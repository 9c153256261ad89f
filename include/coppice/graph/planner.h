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
  int first = -1;  ///< The node that writes it.
  int last = -1;   ///< The last node that reads it; the graph's output lives to the last node.
};

/// Where each activation lives. Tensors whose lifetimes overlap never share bytes, but for
/// Flatten, Reshape and Dropout, whose output is (aliases) their input. No operation is assumed to
/// work in place: its inputs and its output are alive together.
struct MemoryPlan {
  std::vector<TensorPlacement> placements;  ///< One for each tensor of the graph, by index.
  int64_t arena_bytes = 0;  ///< Peak RAM for activations, input and output included.
};

/// Bytes of an activation: 1 an element when quantized to 8 bits or fewer, 2 up to 16 bits, 4 for
/// float ones.
int64_t activation_bytes(const TensorInfo& tensor);

/// Plans the arena greedily (first fit), largest tensor first as TFLite Micro's planner does
/// (Pisarchyk and Lee, arXiv 2001.03288, "greedy by size"); where that leaves gaps it climbs on
/// from there by moving tensors forward in the order. Deterministic. Offsets are multiples of
/// `alignment` bytes. The graph must be valid.
MemoryPlan plan_memory(const Graph& graph, int alignment = 16);

/// Bytes of the activations that are alive while each node runs, aliases counted once and without
/// alignment: no plan can need less than the largest of them.
std::vector<int64_t> live_bytes(const Graph& graph);

}  // namespace coppice
