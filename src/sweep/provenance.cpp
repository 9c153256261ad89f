#include "coppice/sweep/provenance.h"

#include <fmt/format.h>

namespace coppice::sweep {
namespace {

Json parsed(const Graph& graph, const char* key, Json otherwise) {
  const auto found = graph.metadata.find(key);
  if (found == graph.metadata.end()) return otherwise;
  Json json = Json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? otherwise : json;
}

}  // namespace

Provenance provenance_of(const Graph& graph) {
  Provenance result;
  const Json seed = parsed(graph, "seed", 0);
  if (seed.is_number_integer()) result.seed = seed.get<uint64_t>();
  result.dataset = parsed(graph, "dataset", nullptr);
  result.model = parsed(graph, "model", nullptr);
  result.steps = parsed(graph, "steps", Json::array());
  if (!result.steps.is_array()) result.steps = Json::array();
  return result;
}

void set_provenance(Graph& graph, const Provenance& provenance) {
  graph.metadata["version"] = COPPICE_VERSION;
  graph.metadata["seed"] = std::to_string(provenance.seed);
  if (!provenance.dataset.is_null()) graph.metadata["dataset"] = provenance.dataset.dump();
  if (!provenance.model.is_null()) graph.metadata["model"] = provenance.model.dump();
  graph.metadata["steps"] = provenance.steps.dump();
}

StepSummary summarize_steps(const Provenance& provenance) {
  StepSummary summary;
  for (const Json& entry : provenance.steps) {
    const Json step = entry.value("step", Json());
    const Json result = entry.value("result", Json::object());
    summary.seconds += result.value("seconds", 0.0);
    if (step == "prune" || step == "sparsify") {
      summary.sparsity_requested = result.value("sparsity_requested", 0.0);
      summary.sparsity_achieved = result.value("sparsity_achieved", 0.0);
    }
    if (step == "finetune" || step == "sparsify" || step == "qat") {
      summary.finetune_epochs += result.value("epochs", 0);
    } else if (step == "quantize") {
      summary.weight_bits = result.value("weight_bits", 32);
      summary.activation_bits = result.value("activation_bits", 32);
    }
  }
  return summary;
}

}  // namespace coppice::sweep
