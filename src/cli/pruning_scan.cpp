#include "cli/pruning_scan.h"

#include <fmt/format.h>

#include "cli/table.h"
#include "coppice/core/file.h"
#include "coppice/core/text.h"
#include "coppice/report/heat_map.h"

namespace coppice::cli {
namespace {

void print_scan(const prune::SensitivityReport& report) {
  std::vector<Table::Column> columns = {{"layer", Table::Align::kLeft}, {"weights"}};
  for (const double sparsity : report.sparsities) {
    columns.push_back({fmt::format("{:g} %", 100 * sparsity)});
  }
  Table table(columns);
  for (size_t l = 0; l < report.layers.size(); ++l) {
    std::vector<std::string> row = {report.layers[l], with_thousands(report.weights[l])};
    for (const double value : report.values[l]) row.push_back(fmt::format("{:.4f}", value));
    table.add_row(std::move(row));
  }
  fmt::print("{} by layer and sparsity; the network as it is: {:.4f}\n\n{}", report.metric,
             report.baseline, table.text());
}

/// The rules that a config would write down.
void print_allocation(const prune::SensitivityReport& report, double sparsity) {
  const std::vector<double> shares = prune::allocate(report, sparsity);
  fmt::print("\n{:g} % of all weights, each layer equally sensitive:\n", 100 * sparsity);
  for (size_t l = 0; l < shares.size(); ++l) {
    fmt::print("  \"{} sparsity={:.4f}\"\n", report.layers[l], shares[l]);
  }
}

report::HeatMap heat_map(const prune::SensitivityReport& scan, const std::string& model) {
  report::HeatMap map;
  map.title = fmt::format("Sensitivity of {}", model);
  map.value_name = scan.metric;
  map.rows = scan.layers;
  for (const double sparsity : scan.sparsities) {
    map.columns.push_back(fmt::format("{:g} %", 100 * sparsity));
  }
  map.values = scan.values;
  return map;
}

}  // namespace

Status show_pruning_scan(const std::string& model, const prune::SensitivityReport& report,
                         const PruningScanOutput& output) {
  print_scan(report);
  if (output.allocate > 0) print_allocation(report, output.allocate);
  if (!output.csv.empty()) {
    COPPICE_TRY_STATUS(write_file_atomic(output.csv, prune::to_csv(report)));
    fmt::print("{}\n", output.csv);
  }
  if (!output.html.empty()) {
    COPPICE_TRY_STATUS(
        write_file_atomic(output.html, report::heat_map_page(heat_map(report, model))));
    fmt::print("{}\n", output.html);
  }
  return {};
}

}  // namespace coppice::cli
