#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/page.h"

namespace coppice::report {
namespace {

constexpr double kTolerance = 0.01;  // A highlight may lose one point of accuracy.

std::string tile(const std::string& title, const std::string& number, const std::string& detail,
                 const std::string& anchor) {
  return fmt::format(
      "<a class=\"tile\" href=\"#{}\"><span class=\"what\">{}</span><span class=\"value\">{}</span>"
      "<span class=\"detail\">{}</span></a>\n",
      anchor, escape_html(title), escape_html(number), escape_html(detail));
}

/// With a plus or a true minus sign.
std::string signed_number(double value, int decimals) {
  return (value < 0 ? "−" : "+") + format_number(std::abs(value), decimals);
}

std::string group_anchor(size_t index) { return fmt::format("group-{}", index); }

/// The cheapest group that loses at most kTolerance against the baseline, as a tile.
std::string cheapest_tile(const Run& run, size_t baseline, const Metric& cost, const char* title) {
  const auto& groups = run.groups;
  const auto* reference = groups[baseline].find(cost.key);
  const double floor = groups[baseline].find(kTestAccuracy.key)->mean - kTolerance;
  if (reference == nullptr || reference->mean <= 0) return "";
  size_t best = baseline;
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto* accuracy = groups[i].find(kTestAccuracy.key);
    const auto* value = groups[i].find(cost.key);
    if (accuracy == nullptr || value == nullptr || accuracy->mean < floor) continue;
    if (value->mean < groups[best].find(cost.key)->mean) best = i;
  }
  if (best == baseline) return "";
  const double mean = groups[best].find(cost.key)->mean;
  const auto unit = display_unit(cost.quantity, mean);
  const double change = 100 * (mean / reference->mean - 1);
  const double lost = 100 * (groups[best].find(kTestAccuracy.key)->mean -
                             groups[baseline].find(kTestAccuracy.key)->mean);
  return tile(title,
              fmt::format("{} {}", format_number(mean * unit.factor, unit.decimals), unit.name),
              fmt::format("{} % at {} points: {}", signed_number(change, 0), signed_number(lost, 2),
                          describe_group(groups, best)),
              group_anchor(best));
}

void flatten(const nlohmann::ordered_json& value, const std::string& name, std::string& rows) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      flatten(inner, name.empty() ? key : name + " " + key, rows);
    }
    return;
  }
  std::string label = name;
  std::replace(label.begin(), label.end(), '_', ' ');
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  rows += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escape_html(label), escape_html(text));
}

std::string command_of(const Run& run) {
  if (run.environment.is_object()) {
    if (const auto found = run.environment.find("command"); found != run.environment.end()) {
      if (found->is_string()) return found->get<std::string>();
    }
  }
  return "coppice sweep " + (run.folder / "config.resolved.json").string() + " --out runs/" +
         run.name;
}

}  // namespace

std::string describe_group(const std::vector<Group>& groups, size_t index) {
  const auto keys = varied_settings(groups);
  const auto names = setting_names(keys);
  std::string text;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string value = setting_text(keys[i], groups[index].settings);
    if (value == "-") continue;
    const bool speaks_for_itself = keys[i] == "arch" || keys[i] == "weight_bits";
    text += (text.empty() ? "" : ", ") + (speaks_for_itself ? value : names[i] + " " + value);
  }
  return text.empty() ? setting_text("arch", groups[index].settings) : text;
}

std::string html_highlights(const Run& run) {
  const auto baselines = baseline_groups(run.groups);
  std::string tiles;
  for (size_t i : baselines) {
    const auto* accuracy = run.groups[i].find(kTestAccuracy.key);
    if (accuracy == nullptr) continue;
    const auto unit = display_unit(kTestAccuracy.quantity, 1);
    tiles += tile(baselines.size() == 1 ? "Baseline test accuracy" : "Baseline",
                  format_statistic(*accuracy, unit) + " %", describe_group(run.groups, i),
                  group_anchor(i));
    if (baselines.size() > 1) continue;  // Savings are told against a single baseline only.
    tiles += cheapest_tile(run, i, cost_metrics()[0], "Least flash within 1 point");
    tiles += cheapest_tile(run, i, cost_metrics()[1], "Fewest MACs within 1 point");
    tiles += cheapest_tile(run, i, cost_metrics()[2], "Fastest on this host within 1 point");
  }
  return tiles.empty() ? "" : "<div class=\"tiles\">\n" + tiles + "</div>\n";
}

std::string html_origin(const Run& run) {
  std::string html = "<section id=\"origin\"><h2>Run it again</h2>\n<pre><code>" +
                     escape_html(command_of(run)) + "</code></pre>\n";
  std::string rows;
  if (run.environment.is_object()) flatten(run.environment, "", rows);
  if (!rows.empty()) html += "<h2>Environment</h2>\n<dl>\n" + rows + "</dl>\n";
  if (run.config.is_object()) {
    html += "<details><summary>Resolved configuration</summary><pre><code>" +
            escape_html(run.config.dump(2)) + "</code></pre></details>\n";
  }
  return html + "</section>\n";
}

}  // namespace coppice::report
