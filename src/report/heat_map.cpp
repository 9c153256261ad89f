#include "coppice/report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/page.h"

namespace coppice::report {
namespace {

// White to the page's accent blue; the root lets small values be told apart.
std::string cell_style(double value, double largest) {
  const double share =
      largest > 0 && std::isfinite(value) ? std::sqrt(std::clamp(value / largest, 0.0, 1.0)) : 0.0;
  const auto mix = [&](int full) {
    return static_cast<int>(std::lround(255 + share * (full - 255)));
  };
  return fmt::format("background:rgb({},{},{});color:{}", mix(0), mix(114), mix(178),
                     share > 0.6 ? "#fff" : "#111827");
}

}  // namespace

std::string html_heat_map(const HeatMap& map) {
  double largest = 0;
  for (const auto& row : map.values) {
    for (const double value : row) largest = std::max(largest, std::isfinite(value) ? value : 0.0);
  }
  std::string html = fmt::format(
      "<h3>{}: {}</h3>\n<div class=\"scroll\"><table class=\"heat\">\n"
      "<thead><tr><th scope=\"col\"></th>",
      escape_html(map.title), escape_html(map.value_name));
  for (const std::string& column : map.columns) {
    html += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", escape_html(column));
  }
  html += "</tr></thead>\n<tbody>\n";
  for (size_t r = 0; r < map.rows.size(); ++r) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(map.rows[r]));
    for (const double value : map.values[r]) {
      html += fmt::format("<td class=\"number\" style=\"{}\">{:.3f}</td>",
                          cell_style(value, largest), value);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string heat_map_page(const HeatMap& map) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n"
      "<style>{}</style>\n</head>\n<body>\n<main>\n<header><h1>{}</h1></header>\n{}</main>\n"
      "</body>\n</html>\n",
      escape_html(map.title), kPageStyle, escape_html(map.title), html_heat_map(map));
}

}  // namespace coppice::report
