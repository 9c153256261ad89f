#pragma once

#include <memory>

#include "coppice/exec/plan.h"

namespace coppice::exec {

/// Plans of the executors; `graph` is fused and of one data type.
Result<std::unique_ptr<Plan>> make_reference_plan(Graph graph, Executor executor);
Result<std::unique_ptr<Plan>> make_dense_plan(Graph graph, Isa isa, int threads, Executor executor);

}  // namespace coppice::exec
