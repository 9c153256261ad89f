#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/field_flags.h"
#include "cli/model_dataset.h"
#include "cli/pruning_scan.h"
#include "cli/quantization_scan.h"
#include "cli/verbs.h"
#include "coppice/io/model_file.h"
#include "coppice/sweep/provenance.h"
#include "coppice/sweep/tables.h"

namespace coppice::cli {
namespace {

struct Arguments {
  std::string model, figure;
  std::vector<int> bits = {8, 4, 2};
  bool quantize = false, json = false;
  int threads = 0;
  std::optional<uint64_t> seed;
  PruningScanOutput pruning;
  FieldFlags flags, quantize_flags, dataset;
};

Status scan(const Arguments& arguments) {
  COPPICE_TRY(const auto values, arguments.flags.apply(sweep::sensitivity_table().defaults()));
  auto step = sweep::sensitivity_table().options<sweep::SensitivityStep>(values);
  COPPICE_TRY(const auto quantize,
              arguments.quantize_flags.apply(sweep::quantize_table().defaults()));
  COPPICE_TRY(const Graph graph, io::load_model(arguments.model));
  COPPICE_TRY(const auto dataset, open_model_dataset(graph, arguments.dataset));
  const uint64_t seed = arguments.seed.value_or(sweep::provenance_of(graph).seed);
  if (arguments.quantize) {
    quant::SensitivityOptions options;
    options.bits = arguments.bits;
    options.samples = step.samples;
    options.quantize = sweep::quantize_table().options<quant::QuantizeOptions>(quantize);
    options.quantize.seed = seed;
    return show_quantization_scan(graph, *dataset, options, arguments.json, arguments.figure);
  }
  step.seed = seed;
  step.threads = arguments.threads;
  COPPICE_TRY(const auto report, prune::scan_sensitivity(graph, *dataset, step, step));
  return show_pruning_scan(arguments.model, report, arguments.pruning);
}

void add_pruning_flags(CLI::App& verb, Arguments& arguments) {
  verb.add_option("--csv", arguments.pruning.csv, "Write one line for each layer and sparsity");
  verb.add_option("--html", arguments.pruning.html, "Write a heat map");
  verb.add_option("--allocate", arguments.pruning.allocate,
                  "Print the rules that reach this sparsity, each layer equally sensitive")
      ->check(CLI::Range(0.0, 0.999999));
  verb.add_option("--threads", arguments.threads, "0: all cores")->check(CLI::NonNegativeNumber);
  arguments.flags.add_to(verb, sweep::sensitivity_table());
}

void add_quantization_flags(CLI::App& verb, Arguments& arguments) {
  auto* quantize = verb.add_flag("--quantize", arguments.quantize,
                                 "Scan widths of weights instead of sparsities");
  verb.add_option("--bits", arguments.bits, "Widths to try")
      ->check(CLI::Range(2, 8))
      ->needs(quantize);
  verb.add_option("--figure", arguments.figure, "SVG file to draw")->needs(quantize);
  verb.add_flag("--json", arguments.json, "Print JSON")->needs(quantize);
  arguments.quantize_flags.add_to(verb, sweep::quantize_table(), "quantize.");
}

}  // namespace

void add_sensitivity(CLI::App& app, ExitStatus& status) {
  auto* verb = app.add_subcommand(
      "sensitivity", "Which layers of a model file bear pruning, or fewer bits (--quantize)");
  verb->footer(
      "One layer at a time is pruned to each sparsity, or quantized to each width (then all but\n"
      "it); the samples are validation samples.\n"
      "Example: coppice sensitivity m.safetensors --metric kl --html s.html --allocate 0.8\n"
      "Example: coppice sensitivity m.safetensors --quantize --bits 8 4 2 --figure blame.svg");
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("model", arguments->model, "Model file")->required();
  verb->add_option("--seed", arguments->seed, "Choice of samples; the model's seed when not given");
  add_pruning_flags(*verb, *arguments);
  add_quantization_flags(*verb, *arguments);
  arguments->dataset.add_to(*verb, sweep::dataset_table(), "dataset.");
  verb->callback([arguments, &status] {
    const Status result = scan(*arguments);
    status = result.ok() ? kSuccess : report_config_error(result.error());
  });
}

}  // namespace coppice::cli
