#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "report/page.h"

namespace coppice::report {
namespace {

using Json = nlohmann::ordered_json;

/// The value of `key` in the records when it is one number, "a-b" when it differs; empty if
/// unknown.
std::string sample_count(const Run& run, const char* key) {
  double low = 0, high = 0;
  bool known = false;
  for (const auto& record : run.records) {
    const auto found = record.find(key);
    if (found == record.end() || !found->is_number()) continue;
    const double value = found->get<double>();
    low = known ? std::min(low, value) : value;
    high = known ? std::max(high, value) : value;
    known = true;
  }
  if (!known) return "";
  return low == high ? format_number(low, 0) : format_number(low, 0) + "–" + format_number(high, 0);
}

std::string plural(size_t count, const std::string& noun) {
  return format_number(static_cast<double>(count), 0) + " " + noun + (count == 1 ? "" : "s");
}

size_t count_seeds(const Run& run) {
  std::set<std::string> seeds;
  for (const auto& record : run.records) {
    if (const auto seed = record.find("seed"); seed != record.end()) seeds.insert(seed->dump());
  }
  return seeds.size();
}

std::string html_header(const Run& run) {
  const auto failed = static_cast<size_t>(std::count_if(
      run.records.begin(), run.records.end(), [](const Record& r) { return !succeeded(r); }));
  std::string lead = plural(run.groups.size(), "configuration") + ", " +
                     plural(count_seeds(run), "seed") + ", " + plural(run.records.size(), "trial");
  if (failed > 0) lead += fmt::format(", <a href=\"#failed\">{} failed</a>", failed);
  std::string facts;
  const auto add = [&](const std::string& what, const std::string& value) {
    if (value.empty()) return;
    facts +=
        fmt::format("<div><span class=\"what\">{}</span><span class=\"value\">{}</span></div>\n",
                    escape_html(what), escape_html(value));
  };
  const auto constant = constant_settings(run.groups);
  const auto names = setting_names(constant);
  for (size_t i = 0; i < constant.size(); ++i) {
    add(names[i], setting_text(constant[i], run.groups.front().settings));
  }
  add("training samples", sample_count(run, "train_samples"));
  add("validation samples", sample_count(run, "validation_samples"));
  add("test samples", sample_count(run, "test_samples"));
  if (run.environment.is_object()) {
    for (const char* key : {"cpu", "isa", "compiler", "version"}) {
      const auto found = run.environment.find(key);
      if (found != run.environment.end() && found->is_string()) add(key, found->get<std::string>());
    }
  }
  return fmt::format(
      "<header><h1>{}</h1>\n<p class=\"lead\">{}</p>\n<div class=\"facts\">\n{}</div></header>\n",
      escape_html(run.name), lead, facts);
}

std::string html_controls(const Encoding& encoding) {
  std::string html = "<div class=\"controls\">";
  if (encoding.colours.size() > 1) {
    html += "<label>Colour by <select id=\"colour-by\">";
    for (size_t i = 0; i < encoding.colours.size(); ++i) {
      html +=
          fmt::format("<option value=\"{}\">{}</option>", i, escape_html(encoding.colours[i].name));
    }
    html += "</select></label>";
  }
  return html +
         "<label><input type=\"checkbox\" id=\"zoom\"> Only the top 10 points of "
         "accuracy</label></div>\n";
}

std::string html_figures(const Run& run, const std::vector<Figure>& figures,
                         const Encoding& encoding, const VegaScript& vega) {
  if (figures.empty()) return "";
  std::string html =
      "<section id=\"figures\"><h2>Accuracy against cost</h2>\n<p class=\"note\">Points are means "
      "over "
      "seeds, bars ± one standard deviation. The grey steps are the Pareto front (its points have "
      "a dark "
      "rim), the dashed line is the baseline. Up and to the left is better.</p>\n";
  if (vega.code.empty()) {
    html += "<p class=\"note warning\">Without Vega these figures are still pictures. " +
            escape_html(vega.missing) + ".</p>\n";
  } else {
    html += html_controls(encoding);
  }
  html += "<div class=\"figures\">\n";
  for (const auto& figure : figures) {
    const std::string name = escape_html(figure.name);
    html += fmt::format("<figure><figcaption><h3>{}</h3>", escape_html(figure.title));
    if (!vega.code.empty()) {
      html +=
          "<span><button type=\"button\" data-format=\"svg\">SVG</button>"
          "<button type=\"button\" data-format=\"png\">PNG</button></span>";
    }
    html += fmt::format("</figcaption><div class=\"plot\" id=\"plot-{}\">{}</div></figure>\n", name,
                        vega.code.empty() ? svg_figure(figure, encoding, run.groups) : "");
  }
  return html + "</div></section>\n";
}

/// What the script needs: the figures' specifications and what a tooltip says of each group.
Json page_data(const Run& run, const std::vector<Figure>& figures, const Encoding& encoding,
               bool interactive) {
  Json data = {{"figures", Json::array()}, {"groups", Json::array()}};
  if (!interactive) return data;
  for (const auto& figure : figures) {
    data["figures"].push_back({{"name", figure.name}, {"spec", vega_figure(figure, encoding)}});
  }
  for (size_t g = 0; g < run.groups.size(); ++g) {
    Json lines = Json::array();
    for (const auto& metric : table_metrics()) {
      const auto* statistic = run.groups[g].find(metric.key);
      if (statistic == nullptr) continue;
      const auto unit = display_unit(metric.quantity, largest_mean(run.groups, metric));
      const std::string text = format_statistic(*statistic, unit);
      lines.push_back({metric.title, unit.name.empty() ? text : text + " " + unit.name});
    }
    std::string trials;
    for (size_t member : run.groups[g].members) {
      const auto& record = run.records[member];
      const auto id = record.find("trial_id");
      if (id == record.end() || !id->is_string()) continue;
      trials += (trials.empty() ? "trials " : ", ") + id->get<std::string>();
    }
    data["groups"].push_back(
        {{"title", describe_group(run.groups, g)}, {"lines", lines}, {"trials", trials}});
  }
  return data;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string render_html(const Run& run) {
  const auto& costs = cost_metrics();
  std::vector<Metric> drawn = costs;
  std::erase_if(
      drawn, [](const Metric& cost) { return std::string_view(cost.key) == "parameters_nonzero"; });
  const auto figures = make_figures(run.groups, drawn);  // Parameters follow flash.
  const auto encoding = make_encoding(run.groups);
  const auto vega = figures.empty() ? VegaScript{} : load_vega();
  const auto table = make_table(run.records, run.groups, costs.front());
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
      escape_html(run.name), kPageStyle);
  html += html_header(run);
  html += html_highlights(run);
  html += html_figures(run, figures, encoding, vega);
  html += html_sensitivity(run);
  html +=
      "<section id=\"table\"><h2>Trials</h2>\n<p class=\"note\">Mean ± sample standard deviation "
      "over "
      "seeds. Click a heading to sort, a row to see its seeds. <em>Pareto</em>: no other "
      "configuration "
      "is at least as accurate with less flash.</p>\n";
  html += html_table(run, table) + "</section>\n" + html_failures(run) + html_origin(run);
  html += "<footer>Made by coppice report.</footer>\n</main>\n";
  html += "<script type=\"application/json\" id=\"report-data\">" +
          script_json(page_data(run, figures, encoding, !vega.code.empty())) + "</script>\n";
  if (!vega.code.empty()) html += "<script>" + vega.code + "</script>\n";
  html += "<script>" + std::string(kPageScript) + "</script>\n</body>\n</html>\n";
  return html;
}

}  // namespace coppice::report
