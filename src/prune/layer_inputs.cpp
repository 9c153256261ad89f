#include "prune/layer_inputs.h"

#include <vector>

#include "coppice/graph/fold.h"

namespace coppice::prune {
namespace {

// Watches tensors of the deployed graph, whose layers keep their names.
Status visit_tensors(const Graph& graph, const train::SampleSet& samples, bool inputs,
                     const std::function<void(const SeenTensor&)>& visit) {
  COPPICE_TRY(const auto plan, exec::compile(graph));
  const Graph& deployed = plan->graph();
  std::vector<std::vector<size_t>> watchers(deployed.tensors.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].parameter("weight") == nullptr) continue;
    const Node* node = deployed.find(graph.nodes[n].name);
    if (node == nullptr) continue;
    watchers[static_cast<size_t>(inputs ? node->inputs[0] : node->output)].push_back(n);
  }
  const auto observer = [&](const exec::Observation& seen) {
    const auto tensor = static_cast<size_t>(seen.tensor);
    for (const size_t n : watchers[tensor]) visit({n, deployed.tensors[tensor].shape, seen.real});
  };
  std::vector<float> output(static_cast<size_t>(deployed.output_shape().elements()));
  for (int i = 0; i < samples.size(); ++i) {
    plan->run_observed(samples.sample(i), output, observer);
  }
  return {};
}

}  // namespace

Status visit_layer_inputs(const Graph& graph, const train::SampleSet& samples,
                          const std::function<void(const SeenTensor&)>& visit) {
  return visit_tensors(graph, samples, true, visit);
}

Status visit_layer_outputs(const Graph& graph, const train::SampleSet& samples,
                           const std::function<void(const SeenTensor&)>& visit) {
  return visit_tensors(graph, samples, false, visit);
}

}  // namespace coppice::prune
