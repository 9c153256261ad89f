#pragma once

#include "exec/layer.h"

namespace coppice::exec {

/// Whether the executor runs layers with weights through a plain kernel that skips zeros; all other
/// layers are the reference's.
bool is_baseline(Executor executor);

/// A layer with weights as convolution, in float or in integers by the graph.
Result<CompiledLayer> make_baseline_layer(const LayerContext& context, Executor executor);

}  // namespace coppice::exec
