#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/field_flags.h"
#include "cli/model_dataset.h"
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
  std::optional<uint64_t> seed;
  FieldFlags flags, dataset;
};

Result<std::string> flash_text(const Graph& graph) {
  sweep::Json record;
  COPPICE_TRY_STATUS(sweep::add_cost(graph, record));
  return with_thousands(record["flash_bytes"].get<int64_t>());
}

Status quantize_model(const Arguments& arguments) {
  COPPICE_TRY(const auto options, arguments.flags.apply(sweep::quantize_table().defaults()));
  if (options["weight_bits"] == 32) {
    return Error{ErrorCode::kConfig,
                 "--weight_bits: 32 leaves the model float; there is nothing to do"};
  }
  COPPICE_TRY(Graph graph, io::load_model(arguments.model));
  COPPICE_TRY(const std::string before, flash_text(graph));
  COPPICE_TRY(const auto dataset, open_model_dataset(graph, arguments.dataset));
  sweep::StepContext context;
  context.dataset = dataset.get();
  context.seed = arguments.seed.value_or(sweep::provenance_of(graph).seed);
  COPPICE_TRY_STATUS(sweep::run_model_step("quantize", options, context, graph));
  COPPICE_TRY_STATUS(io::save_model(graph, arguments.out));
  COPPICE_TRY(const std::string after, flash_text(graph));
  fmt::print("weights and biases: {} bytes before, {} bytes after\n{}\n", before, after,
             arguments.out);
  return {};
}

}  // namespace

void add_quantize(CLI::App& app, ExitStatus& status) {
  auto* verb = app.add_subcommand("quantize", "Turn a model file into one that runs in integers");
  verb->footer(
      "Ranges are taken on training samples of the dataset that the model was trained on.\n"
      "Example: coppice quantize p.safetensors --dataset.path data/synth_speech -o q.safetensors");
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("model", arguments->model, "Model file")->required();
  verb->add_option("-o,--out", arguments->out, "Model file to write")->required();
  verb->add_option("--seed", arguments->seed,
                   "Choice of the samples; the model's seed when not given");
  arguments->flags.add_to(*verb, sweep::quantize_table());
  arguments->dataset.add_to(*verb, sweep::dataset_table(), "dataset.");
  verb->callback([arguments, &status] {
    const Status result = quantize_model(*arguments);
    status = result.ok() ? kSuccess : report_config_error(result.error());
  });
}

}  // namespace coppice::cli
