#pragma once

#include <vector>

#include "coppice/graph/graph.h"

namespace coppice::exec {

/// By node: the rows and columns of its output, from the first on, that a later layer or the caller
/// reads. A pool whose windows leave pixels at the bottom or on the right out spares the layers
/// before it all that only those pixels would have needed.
std::vector<Size2> pixels_read(const Graph& graph);

}  // namespace coppice::exec
