#include <fmt/format.h>

#include "coppice/report/heat_map.h"
#include "report/page.h"

namespace coppice::report {
namespace {

using Json = nlohmann::ordered_json;

// The mean over a group's seeds of its records' "sensitivity"; empty when it has none.
HeatMap mean_map(const Run& run, const Group& group) {
  HeatMap map;
  double count = 0;
  for (const size_t member : group.members) {
    const auto found = run.records[member].find("sensitivity");
    if (found == run.records[member].end() || !found->is_object()) continue;
    const auto values = found->at("values").get<std::vector<std::vector<double>>>();
    if (count == 0) {
      map.value_name = found->at("metric").get<std::string>();
      map.rows = found->at("layers").get<std::vector<std::string>>();
      for (const Json& sparsity : found->at("sparsities")) {
        map.columns.push_back(fmt::format("{:g} %", 100 * sparsity.get<double>()));
      }
      map.values.assign(values.size(), std::vector<double>(map.columns.size(), 0.0));
    }
    if (values.size() != map.values.size()) continue;
    for (size_t r = 0; r < values.size(); ++r) {
      for (size_t c = 0; c < values[r].size(); ++c) map.values[r][c] += values[r][c];
    }
    ++count;
  }
  for (auto& row : map.values) {
    for (double& value : row) value /= count;
  }
  return map;
}

}  // namespace

std::string html_sensitivity(const Run& run) {
  std::string maps;
  for (size_t g = 0; g < run.groups.size(); ++g) {
    HeatMap map = mean_map(run, run.groups[g]);
    if (map.rows.empty()) continue;
    map.title = describe_group(run.groups, g);
    maps += html_heat_map(map);
  }
  if (maps.empty()) return "";
  return "<section id=\"sensitivity\"><h2>Sensitivity</h2>\n<p class=\"note\">One layer at a time "
         "is pruned to the sparsity of the column; means over seeds.</p>\n" +
         maps + "</section>\n";
}

}  // namespace coppice::report
