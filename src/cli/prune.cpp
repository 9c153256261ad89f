#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/field_flags.h"
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
  FieldFlags flags;
};

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
  sweep::StepContext context;
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
  auto* verb = app.add_subcommand("prune", "Set weights of a model file to zero");
  verb->footer("Example: coppice prune m.safetensors --sparsity 0.8 -o p.safetensors");
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("model", arguments->model, "Model file")->required();
  verb->add_option("-o,--out", arguments->out, "Model file to write")->required();
  arguments->flags.add_to(*verb, sweep::prune_table());
  verb->callback([arguments, &status] {
    const Status result = prune_model(*arguments);
    status = result.ok() ? kSuccess : report_config_error(result.error());
  });
}

}  // namespace coppice::cli
