#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "coppice/exec/plan.h"

namespace coppice::exec {

/// A layer's share of its dense products as a count, at most all: a format with more slots than
/// that has left nothing out, and the lanes that dense kernels leave empty do not count either.
inline int64_t executed_macs(int64_t macs, double share) {
  return std::llround(static_cast<double>(macs) * std::min(share, 1.0));
}

/// Plans of the executors; `graph` is fused and of one data type.
Result<std::unique_ptr<Plan>> make_reference_plan(Graph graph, Executor executor);
Result<std::unique_ptr<Plan>> make_dense_plan(Graph graph, Isa isa, int threads, Executor executor);

}  // namespace coppice::exec
