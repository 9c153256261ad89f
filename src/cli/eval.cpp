#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/field_flags.h"
#include "cli/model_dataset.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "coppice/io/model_file.h"
#include "coppice/sweep/step.h"
#include "coppice/sweep/tables.h"
#include "coppice/train/fit.h"

namespace coppice::cli {
namespace {

using sweep::Json;

struct Arguments {
  std::string model;
  std::string split = "test";
  int threads = 0;
  bool json = false;
  FieldFlags dataset;
};

/// How one class fared.
struct ClassResult {
  int samples = 0;
  int predicted = 0;  ///< Samples that were taken for this class.
  int correct = 0;
  double recall() const { return samples == 0 ? 0.0 : static_cast<double>(correct) / samples; }
  double precision() const {
    return predicted == 0 ? 0.0 : static_cast<double>(correct) / predicted;
  }
};

ClassResult class_result(const train::Evaluation& evaluation, size_t index) {
  ClassResult result;
  for (const int count : evaluation.confusion[index]) result.samples += count;
  for (const auto& row : evaluation.confusion) result.predicted += row[index];
  result.correct = evaluation.confusion[index][index];
  return result;
}

void print_json(const Arguments& arguments, const data::Dataset& dataset,
                const train::Evaluation& evaluation) {
  const auto interval = sweep::wilson_interval(evaluation.correct, evaluation.samples);
  Json classes = Json::array();
  for (size_t i = 0; i < evaluation.confusion.size(); ++i) {
    const ClassResult result = class_result(evaluation, i);
    classes.push_back({{"name", dataset.class_names()[i]},
                       {"samples", result.samples},
                       {"recall", result.recall()},
                       {"precision", result.precision()}});
  }
  const Json json = {{"model", arguments.model},         {"dataset", dataset.name()},
                     {"split", arguments.split},         {"samples", evaluation.samples},
                     {"correct", evaluation.correct},    {"accuracy", evaluation.accuracy()},
                     {"accuracy_low", interval.low},     {"accuracy_high", interval.high},
                     {"loss", evaluation.loss},          {"classes", std::move(classes)},
                     {"confusion", evaluation.confusion}};
  fmt::print("{}\n", json.dump(2));
}

void print_text(const Arguments& arguments, const data::Dataset& dataset,
                const train::Evaluation& evaluation, bool quantized) {
  const auto interval = sweep::wilson_interval(evaluation.correct, evaluation.samples);
  fmt::print(
      "{} on {} ({} split, {}): {:.2f} % of {} ({:.2f} to {:.2f} %, 95 % interval), loss "
      "{:.4f}\n\n",
      arguments.model, dataset.name(), arguments.split, quantized ? "integers" : "float",
      100 * evaluation.accuracy(), evaluation.samples, 100 * interval.low, 100 * interval.high,
      evaluation.loss);
  const auto& names = dataset.class_names();
  std::vector<Table::Column> columns = {
      {"class", Table::Align::kLeft}, {"samples"}, {"recall"}, {"precision"}, {"| taken for:"}};
  for (const auto& name : names) columns.push_back({name});
  Table table(columns);
  for (size_t i = 0; i < evaluation.confusion.size(); ++i) {
    const ClassResult result = class_result(evaluation, i);
    std::vector<std::string> row = {names[i], std::to_string(result.samples),
                                    fmt::format("{:.1f} %", 100 * result.recall()),
                                    fmt::format("{:.1f} %", 100 * result.precision()), "|"};
    for (const int count : evaluation.confusion[i])
      row.push_back(count == 0 ? "." : std::to_string(count));
    table.add_row(std::move(row));
  }
  fmt::print("{}", table.text());
}

Status eval_model(const Arguments& arguments) {
  COPPICE_TRY(const auto split, data::parse_split(arguments.split));
  COPPICE_TRY(const Graph graph, io::load_model(arguments.model));
  COPPICE_TRY(const auto dataset, open_model_dataset(graph, arguments.dataset));
  if (dataset->size(split) == 0) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("dataset {} has no samples in its {} split", dataset->name(), arguments.split)};
  }
  COPPICE_TRY(const auto evaluation, train::evaluate(graph, *dataset, split, arguments.threads));
  if (arguments.json) {
    print_json(arguments, *dataset, evaluation);
  } else {
    print_text(arguments, *dataset, evaluation, graph.quantized());
  }
  return {};
}

}  // namespace

void add_eval(CLI::App& app, ExitStatus& status) {
  auto* verb = app.add_subcommand("eval", "Accuracy of a model file, class by class");
  verb->footer("Example: coppice eval q.safetensors --dataset.path data/synth_speech --split test");
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("model", arguments->model, "Model file")->required();
  verb->add_option("--split", arguments->split, "train, validation or test")
      ->check(CLI::IsMember({"train", "validation", "test"}));
  verb->add_option("--threads", arguments->threads, "0: all cores")->check(CLI::NonNegativeNumber);
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  arguments->dataset.add_to(*verb, sweep::dataset_table(), "dataset.");
  verb->callback([arguments, &status] {
    const Status result = eval_model(*arguments);
    status = result.ok() ? kSuccess : report_config_error(result.error());
  });
}

}  // namespace coppice::cli
