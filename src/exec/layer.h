#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "coppice/exec/plan.h"
#include "coppice/graph/graph.h"

namespace coppice::exec {

/// One compiled layer: reads and writes the arena, allocates nothing.
using Layer = std::function<void(std::byte* arena)>;

/// What a maker of layers needs to know.
struct LayerContext {
  const Graph& graph;
  const Node& node;
  std::vector<int64_t> inputs;  ///< Arena offsets in bytes.
  int64_t output = 0;
};

/// A layer and what the table of choices shows of it.
struct CompiledLayer {
  Layer run;
  std::string kernel;
  std::string reason;
  double executed_share = 1.0;  ///< Of the dense products.
  int64_t packed_bytes = 0;     ///< See LayerChoice.
};

/// The plain kernels, in float or in integers by the graph.
Result<CompiledLayer> make_reference_layer(const LayerContext& context);

}  // namespace coppice::exec
