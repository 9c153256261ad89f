#include <fmt/format.h>

#include "coppice/exec/latency.h"
#include "coppice/graph/cost.h"
#include "coppice/prune/registry.h"
#include "prune/layer_job.h"

namespace coppice::prune {
namespace {

// The layer by itself.
Graph lone_layer(const Graph& graph, size_t node) {
  Graph layer;
  layer.name = graph.nodes[node].name;
  layer.nodes = {graph.nodes[node]};
  Node& only = layer.nodes[0];
  layer.tensors = {graph.tensors[static_cast<size_t>(only.inputs[0])],
                   graph.tensors[static_cast<size_t>(only.output)]};
  only.inputs = {0};
  only.output = 1;
  layer.input = 0;
  layer.output = 1;
  return layer;
}

}  // namespace

const std::vector<Listed>& costs() {
  static const std::vector<Listed> list = {
      {"none", "the score itself"},
      {"bytes", "score by byte of the weights that go"},
      {"macs", "score by multiply-accumulate that goes"},
      {"microseconds", "score by time that goes: the dense layer's, measured here, by its weights"},
  };
  return list;
}

Result<double> weight_cost(const Graph& graph, size_t node, const std::string& cost) {
  const Graph layer = lone_layer(graph, node);
  const auto weights = static_cast<double>(weight_of(graph, node).value.size());
  if (cost == "bytes") return 4.0;
  if (cost == "macs") {
    return static_cast<double>(measure_cost(layer).macs_dense) / weights;
  }
  if (cost != "microseconds") return 1.0;
  COPPICE_TRY(const auto plan, exec::compile(layer));
  return exec::measure_latency(*plan).median_us / weights;
}

}  // namespace coppice::prune
