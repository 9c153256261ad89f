#include "coppice/report/report.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "cli/verbs.h"
#include "coppice/report/csv.h"
#include "coppice/report/table.h"
#include "coppice/report/write_figures.h"

namespace coppice::cli {
namespace {

struct ReportOptions {
  std::string run;
  std::string figures;
  std::vector<std::string> formats;
  std::string cost;
  double top = 0;
  bool csv = false;
  bool markdown = false;
};

std::vector<std::string> cost_names() {
  std::vector<std::string> names;
  for (const auto& metric : report::axis_metrics()) names.emplace_back(metric.name);
  return names;
}

report::Metric chosen_cost(const ReportOptions& options) {
  for (const auto& metric : report::axis_metrics()) {
    if (options.cost == metric.name) return metric;
  }
  return report::cost_metrics().front();
}

void print_table(const report::Run& run, const ReportOptions& options) {
  if (options.csv) {
    fmt::print("{}", report::to_csv(run.records));
    return;
  }
  const auto table = report::make_table(run.records, run.groups, chosen_cost(options));
  if (options.markdown) {
    fmt::print("{}", report::to_markdown(table));
    return;
  }
  fmt::print("{}", report::to_text(table));
  std::string cost = chosen_cost(options).title;
  fmt::print(
      "\n* on the Pareto front of test accuracy against {}; mean ± standard deviation over seeds\n",
      cost);
}

void report_failures(const report::Run& run) {
  for (const auto& record : run.records) {
    if (report::succeeded(record)) continue;
    fmt::print(stderr, "failed: trial {}: {}\n", record.value("trial_id", std::string("?")),
               record.value("error", std::string("no error given")));
  }
}

Status make_report(const ReportOptions& options) {
  COPPICE_TRY(const report::Run run, report::load_run(options.run));
  COPPICE_TRY_STATUS(report::write_report(run));
  print_table(run, options);
  report_failures(run);
  fmt::print(stderr, "wrote {}\n", (run.folder / "report.html").string());
  if (options.figures.empty()) return {};
  report::FigureOptions figures;
  if (!options.formats.empty()) figures.formats = options.formats;
  if (!options.cost.empty()) figures.costs = {chosen_cost(options)};
  figures.top_points = options.top;
  COPPICE_TRY(const auto written, report::write_figures(run, options.figures, figures));
  for (const auto& path : written) fmt::print(stderr, "wrote {}\n", path.string());
  return {};
}

}  // namespace

void add_report(CLI::App& app, ExitStatus& status) {
  auto options = std::make_shared<ReportOptions>();
  auto* verb = app.add_subcommand("report", "Table, page and figures of a sweep's run folder");
  verb->add_option("RUN", options->run, "The run's folder, with results.jsonl")->required();
  auto* figures = verb->add_option("--figures", options->figures, "Write figures for a paper here")
                      ->type_name("DIR");
  verb->add_option("--format", options->formats, "Formats of the figures (default svg and pdf)")
      ->check(CLI::IsMember({"svg", "pdf", "png"}))
      ->delimiter(',')
      ->needs(figures);
  verb->add_option("--x", options->cost,
                   "What accuracy is drawn against and the table's mark is for")
      ->check(CLI::IsMember(cost_names()));
  verb->add_option("--top", options->top, "Draw only this many points of accuracy below the best")
      ->check(CLI::PositiveNumber)
      ->needs(figures);
  auto* csv =
      verb->add_flag("--csv", options->csv, "Print every trial as CSV instead of the table");
  verb->add_flag("--markdown", options->markdown, "Print the table as markdown")->excludes(csv);
  verb->footer(
      "Writes report.html and results.csv into RUN and prints the table, mean over seeds.\n"
      "Examples: coppice report runs/kws_quickstart\n"
      "          coppice report runs/kws_quickstart --figures figures --format pdf --x flash --top "
      "10");
  verb->callback([options, &status] {
    const auto result = make_report(*options);
    status = result.ok() ? kSuccess : report_error(result.error());
  });
}

}  // namespace coppice::cli
