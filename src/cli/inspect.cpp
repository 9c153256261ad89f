#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/model_argument.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "coppice/core/text.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/planner.h"
#include "coppice/graph/storage.h"

namespace coppice::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InspectOptions {
  ModelArgument model;
  bool json = false;
  bool plan = false;
  bool as_is = false;
};

std::string shape_text(const Shape& shape) { return fmt::format("{}", fmt::join(shape, "x")); }

// How a layer's weights are stored.
std::string storage_text(const Node& node) {
  const Parameter* weight = node.parameter("weight");
  if (weight == nullptr) return node.parameters.empty() ? "" : "float32";
  return weight->quantized ? fmt::format("int{}", weight->quantized->bits) : "float32";
}

template <class Counts>
Json counts_json(const Counts& counts) {
  return {
      {"parameters", {{"total", counts.parameters_total}, {"nonzero", counts.parameters_nonzero}}},
      {"macs", {{"dense", counts.macs_dense}, {"effective", counts.macs_effective}}},
      {"flash_bytes", counts.flash_bytes}};
}

Json plan_json(const Graph& graph, const MemoryPlan& plan) {
  Json tensors = Json::array();
  for (const auto& placement : plan.placements) {
    const auto& tensor = graph.tensors[static_cast<size_t>(placement.tensor)];
    tensors.push_back({{"name", tensor.name},
                       {"shape", std::vector<int>(tensor.shape.begin(), tensor.shape.end())},
                       {"offset", placement.offset},
                       {"bytes", placement.bytes},
                       {"first", placement.first},
                       {"last", placement.last}});
  }
  return tensors;
}

void print_json(const Graph& graph, const Cost& cost, bool with_plan) {
  Json json{{"name", graph.name}};
  json.update(counts_json(cost));
  json["smallest_storage_bytes"] = smallest_storage_bytes(graph);
  json["ram_peak_bytes"] = cost.ram_peak_bytes;
  json["layers"] = Json::array();
  for (size_t i = 0; i < cost.layers.size(); ++i) {
    const LayerCost& layer = cost.layers[i];
    Json item{{"name", layer.name},
              {"op", layer.op},
              {"input", std::vector<int>(layer.input.begin(), layer.input.end())},
              {"output", std::vector<int>(layer.output.begin(), layer.output.end())},
              {"storage", storage_text(graph.nodes[i])}};
    item.update(counts_json(layer));
    if (const WeightStorage smallest = smallest_storage(graph.nodes[i]); !smallest.format.empty()) {
      item["smallest_storage"] = {{"format", smallest.format}, {"bytes", smallest.bytes}};
    }
    item["ram_peak_bytes"] = layer.ram_bytes;
    json["layers"].push_back(std::move(item));
  }
  json["quantized"] = graph.quantized();
  json["class_names"] = graph.class_names;
  json["metadata"] = graph.metadata;
  if (with_plan) json["plan"] = plan_json(graph, plan_memory(graph));
  fmt::print("{}\n", json.dump(2));
}

template <class Counts>
void add_counts(std::vector<std::string>& cells, const Counts& counts, int64_t ram) {
  for (int64_t value : {counts.parameters_total, counts.parameters_nonzero, counts.macs_dense,
                        counts.macs_effective, counts.flash_bytes, ram}) {
    cells.push_back(with_thousands(value));
  }
}

void print_layers(const Graph& graph, const Cost& cost) {
  using Align = Table::Align;
  Table table({{"layer", Align::kLeft},
               {"op", Align::kLeft},
               {"input", Align::kLeft},
               {"output", Align::kLeft},
               {"storage", Align::kLeft},
               {"parameters"},
               {"non-zero"},
               {"MACs"},
               {"effective"},
               {"flash B"},
               {"RAM B"},
               {"smallest storage of weights", Align::kLeft}});
  for (size_t i = 0; i < cost.layers.size(); ++i) {
    const LayerCost& layer = cost.layers[i];
    std::vector<std::string> cells{layer.name, layer.op, shape_text(layer.input),
                                   shape_text(layer.output), storage_text(graph.nodes[i])};
    add_counts(cells, layer, layer.ram_bytes);
    if (const WeightStorage smallest = smallest_storage(graph.nodes[i]); !smallest.format.empty()) {
      cells.push_back(fmt::format("{}, {}", smallest.format, with_thousands(smallest.bytes)));
    }
    table.add_row(std::move(cells));
  }
  table.add_rule();
  std::vector<std::string> total{"total", "", shape_text(graph.input_shape()),
                                 shape_text(graph.output_shape()), ""};
  add_counts(total, cost, cost.ram_peak_bytes);
  total.push_back("with biases, " + with_thousands(smallest_storage_bytes(graph)));
  table.add_row(std::move(total));
  fmt::print("{}", table.text());
}

void print_plan(const Graph& graph, const MemoryPlan& plan) {
  Table table({{"tensor", Table::Align::kLeft},
               {"shape", Table::Align::kLeft},
               {"offset"},
               {"bytes"},
               {"first"},
               {"last"}});
  for (const auto& placement : plan.placements) {
    const auto& tensor = graph.tensors[static_cast<size_t>(placement.tensor)];
    table.add_row({tensor.name, shape_text(tensor.shape), with_thousands(placement.offset),
                   with_thousands(placement.bytes), std::to_string(placement.first),
                   std::to_string(placement.last)});
  }
  fmt::print("\nMemory plan: {} bytes; first and last are layers (from 0), -1 is the input\n{}",
             with_thousands(plan.arena_bytes), table.text());
}

void print_text(const Graph& graph, const Cost& cost, const InspectOptions& options) {
  fmt::print("{} {}\n\n", graph.name,
             options.as_is
                 ? "as it is stored"
                 : "as it is deployed: batch norms folded, activations fused, no dropout");
  print_layers(graph, cost);
  if (options.plan) print_plan(graph, plan_memory(graph));
  if (!graph.class_names.empty()) fmt::print("\nclasses: {}\n", fmt::join(graph.class_names, ", "));
}

int run(const InspectOptions& options) {
  auto graph = open_model(options.model);
  if (!graph.ok()) return report_error(graph.error());
  if (!options.as_is) {
    graph = fuse_for_inference(std::move(*graph));
    if (!graph.ok())
      return report_error(
          {graph.error().code, graph.error().message + " (--as-is shows it unfolded)"});
  }
  const Cost cost = measure_cost(*graph);
  if (options.json) {
    print_json(*graph, cost, options.plan);
  } else {
    print_text(*graph, cost, options);
  }
  return kSuccess;
}

}  // namespace

void add_inspect(CLI::App& app, ExitStatus& status) {
  auto options = std::make_shared<InspectOptions>();
  auto* verb = app.add_subcommand("inspect", "Shapes, parameters, MACs, flash and RAM of a model");
  options->model.add_to(*verb);
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->add_flag("--plan", options->plan,
                 "Print where each activation lies in the arena, and when");
  verb->add_flag("--as-is", options->as_is,
                 "Count the graph as stored, with its batch norms and dropout");
  verb->footer("Examples: coppice inspect ds_cnn; coppice inspect model.safetensors --plan");
  verb->callback([options, &status] { status = run(*options); });
}

}  // namespace coppice::cli
