#pragma once

#include "coppice/core/cpu.h"
#include "coppice/graph/graph.h"

namespace coppice::bench {

/// What this core reached when the program started, by loops that do nothing else (machine.h).
struct Peaks {
  double float_macs = 0, int8_macs = 0;  ///< A second.
  double load_bytes[3] = {0, 0, 0};      ///< A second, from L1, L2, L3.

  static Peaks measure(Isa limit);
  double macs(const Graph& graph) const { return graph.quantized() ? int8_macs : float_macs; }
};

/// The least time of one inference by direct kernels on this core: the sum over the layers of the
/// largest of MACs / peak, weight bytes / bandwidth of the cache that holds all weights, activation
/// bytes / bandwidth of L1. MACs on padding do not count: kernels leave them out. (Winograd's
/// algorithm can go below it in float.)
double floor_seconds(const Graph& graph, const Peaks& peaks);

/// Bytes of weights and activations of all layers, each read or written once.
double touched_bytes(const Graph& graph);

}  // namespace coppice::bench
