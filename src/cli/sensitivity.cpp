#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/field_flags.h"
#include "cli/model_dataset.h"
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
  int samples = 256;
  bool quantize = false, json = false;
  std::optional<uint64_t> seed;
  FieldFlags flags, dataset;
};

Status scan(const Arguments& arguments) {
  if (!arguments.quantize) {
    return Error{ErrorCode::kConfig, "say what is to be scanned: --quantize"};
  }
  COPPICE_TRY(const Graph graph, io::load_model(arguments.model));
  COPPICE_TRY(const auto dataset, open_model_dataset(graph, arguments.dataset));
  COPPICE_TRY(const auto values, arguments.flags.apply(sweep::quantize_table().defaults()));
  quant::SensitivityOptions options;
  options.bits = arguments.bits;
  options.samples = arguments.samples;
  options.quantize = sweep::quantize_table().options<quant::QuantizeOptions>(values);
  options.quantize.seed = arguments.seed.value_or(sweep::provenance_of(graph).seed);
  return show_quantization_scan(graph, *dataset, options, arguments.json, arguments.figure);
}

}  // namespace

void add_sensitivity(CLI::App& app, ExitStatus& status) {
  auto* verb = app.add_subcommand("sensitivity", "Which layer is to blame?");
  verb->footer(
      "Each layer is changed alone, then all but it; accuracy and divergence are those of\n"
      "validation samples, against the float model.\n"
      "Example: coppice sensitivity m.safetensors --quantize --bits 8 4 2 --figure blame.svg");
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("model", arguments->model, "Model file")->required();
  verb->add_flag("--quantize", arguments->quantize, "Fewer bits for weights");
  verb->add_option("--bits", arguments->bits, "Widths to try")->check(CLI::Range(2, 8));
  verb->add_option("--samples", arguments->samples, "Validation samples")
      ->check(CLI::PositiveNumber);
  verb->add_option("--figure", arguments->figure, "SVG file to draw");
  verb->add_flag("--json", arguments->json, "Print JSON");
  verb->add_option("--seed", arguments->seed,
                   "Choice of calibration samples; the model's seed when not given");
  arguments->flags.add_to(*verb, sweep::quantize_table());
  arguments->dataset.add_to(*verb, sweep::dataset_table(), "dataset.");
  verb->callback([arguments, &status] {
    const Status result = scan(*arguments);
    status = result.ok() ? kSuccess : report_config_error(result.error());
  });
}

}  // namespace coppice::cli
