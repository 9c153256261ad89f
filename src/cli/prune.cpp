#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "cli/field_flags.h"
#include "cli/model_dataset.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "coppice/core/text.h"
#include "coppice/io/model_file.h"
#include "coppice/sweep/provenance.h"
#include "coppice/sweep/step.h"
#include "coppice/sweep/tables.h"

namespace coppice::cli {
namespace {

struct Arguments {
  std::string model;
  std::string out;
  FieldFlags flags, dataset;
};

/// The dataset of the model, if the flags or the model name one; some criteria do without.
Result<std::shared_ptr<const data::Dataset>> dataset_if_known(const Graph& graph,
                                                              const Arguments& arguments) {
  COPPICE_TRY(const auto given, arguments.dataset.apply(sweep::Json::object()));
  if (given.empty() && sweep::provenance_of(graph).dataset.is_null()) {
    return std::shared_ptr<const data::Dataset>();
  }
  return open_model_dataset(graph, arguments.dataset);
}

bool has_batch_norm(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const Node& node) { return std::holds_alternative<BatchNorm>(node.op); });
}

/// Layer by layer, what is left of the weights.
std::string layer_table(const Graph& graph) {
  Table table({{"layer", Table::Align::kLeft}, {"weights"}, {"non-zero"}, {"sparsity"}});
  for (const Node& node : graph.nodes) {
    const Parameter* weight = node.parameter("weight");
    if (weight == nullptr) continue;
    const int64_t total = weight->shape.elements();
    const int64_t kept = nonzero_count(*weight);
    const double zeros = 1.0 - static_cast<double>(kept) / static_cast<double>(total);
    table.add_row({node.name, with_thousands(total), with_thousands(kept),
                   fmt::format("{:.2f} %", 100 * zeros)});
  }
  return table.text();
}

Status prune_model(const Arguments& arguments) {
  COPPICE_TRY(const auto options, arguments.flags.apply(sweep::prune_table().defaults()));
  COPPICE_TRY(Graph graph, io::load_model(arguments.model));
  COPPICE_TRY(const auto dataset, dataset_if_known(graph, arguments));
  if (dataset == nullptr && has_batch_norm(graph)) {
    fmt::print(stderr, "batch norms keep their statistics: no dataset is known\n");
  }
  sweep::StepContext context;
  context.dataset = dataset.get();
  context.seed = sweep::provenance_of(graph).seed;
  COPPICE_TRY_STATUS(sweep::run_model_step("prune", options, context, graph));
  COPPICE_TRY_STATUS(io::save_model(graph, arguments.out));
  const auto summary = sweep::summarize_steps(sweep::provenance_of(graph));
  fmt::print("{}sparsity {:.2f} % requested, {:.2f} % achieved\n{}\n", layer_table(graph),
             100 * summary.sparsity_requested, 100 * summary.sparsity_achieved, arguments.out);
  return {};
}

}  // namespace

void add_prune(CLI::App& app, ExitStatus& status) {
  auto* verb =
      app.add_subcommand("prune", "Set weights of a model file to zero, or remove channels");
  verb->footer(
      "Criteria that look at data, and batch norms, use the dataset that the model was trained "
      "on.\n"
      "Example: coppice prune m.safetensors --sparsity 0.8 -o p.safetensors");
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("model", arguments->model, "Model file")->required();
  verb->add_option("-o,--out", arguments->out, "Model file to write")->required();
  arguments->flags.add_to(*verb, sweep::prune_table());
  arguments->dataset.add_to(*verb, sweep::dataset_table(), "dataset.");
  verb->callback([arguments, &status] {
    const Status result = prune_model(*arguments);
    status = result.ok() ? kSuccess : report_config_error(result.error());
  });
}

}  // namespace coppice::cli
