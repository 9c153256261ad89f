#pragma once

#include <functional>
#include <span>

#include "coppice/exec/plan.h"
#include "coppice/train/probe.h"

namespace coppice::prune {

/// What a deployed model computes on samples, layer by layer.
///
/// Calls visit(node, tensor, values) for each layer with weights of `graph` that the deployed graph
/// still has, with the tensor's shape: of its input or, with its activation, of its output.
struct SeenTensor {
  size_t node = 0;  ///< Index into the given graph's nodes.
  Shape shape;
  std::span<const float> values;
};
Status visit_layer_inputs(const Graph& graph, const train::SampleSet& samples,
                          const std::function<void(const SeenTensor&)>& visit);
Status visit_layer_outputs(const Graph& graph, const train::SampleSet& samples,
                           const std::function<void(const SeenTensor&)>& visit);

}  // namespace coppice::prune
