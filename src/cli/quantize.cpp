#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include "cli/field_flags.h"
#include "cli/model_dataset.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "coppice/core/text.h"
#include "coppice/graph/fold.h"
#include "coppice/io/model_file.h"
#include "coppice/quant/ladder.h"
#include "coppice/sweep/provenance.h"
#include "coppice/sweep/step.h"
#include "coppice/sweep/tables.h"

namespace coppice::cli {
namespace {

struct Arguments {
  std::string model;
  std::string out;
  bool explain = false, convergence = false;
  std::optional<uint64_t> seed;
  FieldFlags flags, dataset;
};

Result<std::string> flash_text(const Graph& graph) {
  sweep::Json record;
  COPPICE_TRY_STATUS(sweep::add_cost(graph, record));
  return with_thousands(record["flash_bytes"].get<int64_t>());
}

std::string finite_text(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "";
}

/// What each step of the ladder buys, on validation data.
Status explain(const Graph& graph, const data::Dataset& dataset,
               const quant::QuantizeOptions& options) {
  COPPICE_TRY(const auto rungs, quant::climb(graph, dataset, options, [](const quant::Rung& rung) {
                if (::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "{}\n", rung.step);
              }));
  Table table({{"step", Table::Align::kLeft},
               {"accuracy %"},
               {"against float"},
               {"loss"},
               {"logits SQNR dB"},
               {"KL"},
               {"seconds"}});
  for (const quant::Rung& rung : rungs) {
    table.add_row({rung.step, fmt::format("{:.2f}", 100 * rung.accuracy),
                   fmt::format("{:+.2f}", 100 * (rung.accuracy - rungs[0].accuracy)),
                   fmt::format("{:.4f}", rung.loss), finite_text(rung.fidelity.sqnr_db, 1),
                   fmt::format("{:.5f}", rung.fidelity.divergence),
                   fmt::format("{:.1f}", rung.seconds)});
  }
  fmt::print("{}", table.text());
  return {};
}

/// How many calibration samples the ranges need.
Status show_convergence(const Graph& graph, const data::Dataset& dataset,
                        const quant::QuantizeOptions& options) {
  COPPICE_TRY(const Graph fused, fuse_for_inference(graph));
  COPPICE_TRY(const auto* method, quant::find_calibration(options.calibration));
  const auto samples = quant::load_samples(
      dataset, quant::balanced_subset(dataset, options.calibration_samples, options.seed));
  COPPICE_TRY(const auto curve,
              quant::range_convergence(fused, samples, *method,
                                       {options.activation_bits, options.percentile}));
  Table table({{"samples"}, {"mean deviation %"}, {"worst %"}, {"of", Table::Align::kLeft}});
  for (const auto& point : curve) {
    const auto& tensors = fused.tensors;
    const std::string worst = point.worst_tensor < 0
                                  ? std::string()
                                  : tensors[static_cast<size_t>(point.worst_tensor)].name;
    table.add_row({std::to_string(point.samples), fmt::format("{:.2f}", 100 * point.mean_deviation),
                   fmt::format("{:.2f}", 100 * point.worst_deviation), worst});
  }
  fmt::print("{}", table.text());
  return {};
}

Status look_only(const Arguments& arguments, const sweep::Json& values) {
  COPPICE_TRY(const Graph graph, io::load_model(arguments.model));
  COPPICE_TRY(const auto dataset, open_model_dataset(graph, arguments.dataset));
  auto options = sweep::quantize_table().options<quant::QuantizeOptions>(values);
  options.seed = arguments.seed.value_or(sweep::provenance_of(graph).seed);
  if (arguments.convergence) COPPICE_TRY_STATUS(show_convergence(graph, *dataset, options));
  if (arguments.explain) COPPICE_TRY_STATUS(explain(graph, *dataset, options));
  return {};
}

Status quantize_model(const Arguments& arguments) {
  COPPICE_TRY(const auto options, arguments.flags.apply(sweep::quantize_table().defaults()));
  if (options["weight_bits"] == 32) {
    return Error{ErrorCode::kConfig,
                 "--weight_bits: 32 leaves the model float; there is nothing to do"};
  }
  if (arguments.explain || arguments.convergence) {
    COPPICE_TRY_STATUS(look_only(arguments, options));
    if (arguments.out.empty()) return {};
  }
  if (arguments.out.empty()) {
    return Error{ErrorCode::kConfig, "give -o, --explain or --convergence"};
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
  verb->add_option("-o,--out", arguments->out, "Model file to write");
  verb->add_flag("--explain", arguments->explain,
                 "Print what each step of the ladder buys at these bits, on validation data");
  verb->add_flag("--convergence", arguments->convergence,
                 "Print how the ranges settle over the calibration samples");
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
