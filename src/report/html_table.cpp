#include <cmath>

#include <fmt/format.h>

#include "report/page.h"

namespace coppice::report {
namespace {

std::string cell_html(const Cell& cell, const Column& column) {
  const std::string order =
      std::isnan(cell.order) ? "" : fmt::format(" data-order=\"{}\"", cell.order);
  std::string text = escape_html(cell.text);
  if (const size_t sign = text.find(" ± "); sign != std::string::npos) {
    text = text.substr(0, sign) + "<span class=\"spread\">" + text.substr(sign) + "</span>";
  }
  return fmt::format("<td{}{}>{}</td>", column.is_number ? " class=\"number\"" : "", order, text);
}

std::string heading_html(const Column& column) {
  const std::string unit = column.unit.empty() ? ""
                                               : fmt::format(" <span class=\"unit\">{}</span>",
                                                             escape_html(column.unit));
  return fmt::format(
      "<th scope=\"col\"{} aria-sort=\"none\"><button type=\"button\">{}{}</button></th>",
      column.is_number ? " class=\"number\"" : "", escape_html(column.title), unit);
}

std::string text_of(const Record& record, const char* key) {
  const auto found = record.find(key);
  if (found == record.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string group_rows(const Run& run, const Table& table, size_t g) {
  std::string classes = "group";
  if (table.on_front[g]) classes += " front";
  if (table.is_baseline[g]) classes += " baseline";
  std::string marks;
  if (table.is_baseline[g]) marks += "<span class=\"mark\" title=\"the baseline\">base</span>";
  if (table.on_front[g]) {
    marks += "<span class=\"mark ring\" title=\"on the Pareto front\">Pareto</span>";
  }
  std::string html = fmt::format(
      "<tr class=\"{}\" id=\"group-{}\" data-group=\"{}\"><td class=\"fold\"><button "
      "type=\"button\" "
      "aria-expanded=\"false\" aria-label=\"Show each seed\"></button>{}</td>",
      classes, g, g, marks);
  for (size_t c = 0; c < table.columns.size(); ++c)
    html += cell_html(table.rows[g][c], table.columns[c]);
  html += "</tr>\n";
  for (size_t m = 0; m < table.seeds[g].size(); ++m) {
    const auto& record = run.records[run.groups[g].members[m]];
    html += fmt::format("<tr class=\"seed\" data-of=\"{}\" hidden><td class=\"trial\">{}</td>", g,
                        escape_html(text_of(record, "trial_id")));
    for (size_t c = 0; c < table.columns.size(); ++c) {
      html += cell_html(table.seeds[g][m][c], table.columns[c]);
    }
    html += "</tr>\n";
  }
  return html;
}

}  // namespace

std::string html_table(const Run& run, const Table& table) {
  if (table.rows.empty()) return "<p class=\"note\">No trial ended well, so there is no table.</p>";
  std::string html =
      "<div class=\"scroll\"><table id=\"trials\"><thead><tr><th class=\"fold\"></th>";
  for (const auto& column : table.columns) html += heading_html(column);
  html += "</tr></thead>\n<tbody>\n";
  for (size_t g = 0; g < table.rows.size(); ++g) html += group_rows(run, table, g);
  return html + "</tbody></table></div>\n";
}

std::string html_failures(const Run& run) {
  std::string rows;
  size_t count = 0;
  for (const auto& record : run.records) {
    if (succeeded(record)) continue;
    ++count;
    std::string settings;
    for (const auto& [key, value] : record.items()) {
      if (!is_setting(key) || value.is_null()) continue;
      settings += (settings.empty() ? "" : ", ") + setting_names({key}).front() + " " +
                  setting_text(key, record);
    }
    rows += fmt::format(
        "<tr><td class=\"trial\">{}</td><td>{}</td><td>{}</td><td class=\"error\">{}</td></tr>\n",
        escape_html(text_of(record, "trial_id")), escape_html(text_of(record, "seed")),
        escape_html(settings), escape_html(text_of(record, "error")));
  }
  if (count == 0) return "";
  return fmt::format(
      "<section id=\"failed\"><h2>Failed trials <span class=\"count\">{}</span></h2>"
      "<div class=\"scroll\"><table><thead><tr><th>Trial</th><th>Seed</th><th>Settings</th>"
      "<th>Error</th></tr></thead>\n<tbody>\n{}</tbody></table></div></section>\n",
      count, rows);
}

}  // namespace coppice::report
