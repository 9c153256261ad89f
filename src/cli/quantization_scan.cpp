#include "cli/quantization_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/table.h"
#include "coppice/core/gnuplot.h"
#include "coppice/core/text.h"

namespace coppice::cli {
namespace {

using quant::LayerSensitivity;

std::string percent(double share) { return fmt::format("{:+.2f}", 100 * share); }

void print_table(std::vector<LayerSensitivity> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.alone.fidelity.divergence > b.alone.fidelity.divergence;
  });
  Table table({{"layer", Table::Align::kLeft},
               {"op", Table::Align::kLeft},
               {"bits"},
               {"weight bytes"},
               {"weight SQNR dB"},
               {"output SQNR dB"},
               {"alone: KL"},
               {"accuracy"},
               {"all but: KL"},
               {"accuracy"}});
  for (const LayerSensitivity& entry : entries) {
    table.add_row({entry.layer, entry.op, std::to_string(entry.bits),
                   with_thousands(entry.weight_bytes), fmt::format("{:.1f}", entry.weight_sqnr_db),
                   fmt::format("{:.1f}", entry.activation_sqnr_db),
                   fmt::format("{:.5f}", entry.alone.fidelity.divergence),
                   percent(entry.alone.accuracy_change),
                   fmt::format("{:.5f}", entry.all_but.fidelity.divergence),
                   percent(entry.all_but.accuracy_change)});
  }
  fmt::print("{}", table.text());
}

nlohmann::ordered_json json_of(const quant::Damage& damage) {
  return {{"accuracy_change", damage.accuracy_change},
          {"kl_divergence", damage.fidelity.divergence},
          {"logits_sqnr_db", damage.fidelity.sqnr_db},
          {"agreement", damage.fidelity.agreement}};
}

void print_json(const std::vector<LayerSensitivity>& entries) {
  auto list = nlohmann::ordered_json::array();
  for (const LayerSensitivity& entry : entries) {
    list.push_back({{"layer", entry.layer},
                    {"op", entry.op},
                    {"bits", entry.bits},
                    {"weight_bytes", entry.weight_bytes},
                    {"weight_sqnr_db", entry.weight_sqnr_db},
                    {"activation_sqnr_db", entry.activation_sqnr_db},
                    {"alone", json_of(entry.alone)},
                    {"all_but", json_of(entry.all_but)}});
  }
  fmt::print("{}\n", list.dump(2));
}

// Layers along x, one line of points a width, the divergence of the layer alone on a log scale.
std::string figure_script(const std::vector<LayerSensitivity>& entries,
                          const std::vector<int>& bits, const std::string& path) {
  std::string script = fmt::format(
      "set terminal svg size 900,480\nset output '{}'\nset logscale y\n"
      "set ylabel 'KL divergence with this layer alone quantized (nats)'\n"
      "set xtics rotate by -35\nset key outside top center horizontal\nplot ",
      path);
  std::string data;
  for (size_t b = 0; b < bits.size(); ++b) {
    script += fmt::format("{}'-' using 2:xtic(1) with linespoints pt {} title '{} bits'",
                          b == 0 ? "" : ", ", b + 5, bits[b]);
    for (const LayerSensitivity& entry : entries) {
      if (entry.bits == bits[b])
        data += fmt::format("\"{}\" {:.9g}\n", entry.layer,
                            std::max(entry.alone.fidelity.divergence, 1e-9));
    }
    data += "e\n";
  }
  return script + "\n" + data;
}

}  // namespace

Status show_quantization_scan(const Graph& graph, const data::Dataset& dataset,
                              const quant::SensitivityOptions& options, bool json,
                              const std::string& figure) {
  COPPICE_TRY(const auto entries, quant::scan_sensitivity(graph, dataset, options));
  json ? print_json(entries) : print_table(entries);
  if (figure.empty()) return {};
  return run_gnuplot(figure_script(entries, options.bits, figure));
}

}  // namespace coppice::cli
