#include "coppice/report/table.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "coppice/report/pareto.h"

namespace coppice::report {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

Cell statistic_cell(const Statistic* statistic, const DisplayUnit& unit) {
  if (statistic == nullptr) return {"-", kNothing};
  return {format_statistic(*statistic, unit), statistic->mean};
}

Cell record_cell(const Record& record, const Metric& metric, const DisplayUnit& unit) {
  const auto found = record.find(metric.key);
  if (found == record.end() || !found->is_number()) return {"-", kNothing};
  const auto statistic = summarize({found->get<double>()});
  return statistic_cell(&statistic, unit);
}

/// Text settings sort by their order of first appearance.
Cell setting_cell(const std::string& key, const std::vector<Group>& groups, size_t index) {
  const auto& settings = groups[index].settings;
  const std::string text = setting_text(key, settings);
  if (const auto found = settings.find(key); found != settings.end() && found->is_number()) {
    return {text, found->get<double>()};
  }
  for (size_t i = 0; i < index; ++i) {
    if (setting_text(key, groups[i].settings) == text) return {text, static_cast<double>(i)};
  }
  return {text, static_cast<double>(index)};
}

std::vector<bool> mark_front(const std::vector<Group>& groups, const Metric& cost) {
  std::vector<bool> marks(groups.size(), false);
  const auto dataset = [&](size_t i) { return groups[i].settings.value("dataset", Record()); };
  for (size_t first = 0; first < groups.size(); ++first) {
    std::vector<size_t> places;
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < groups.size(); ++i) {
      const auto* accuracy = groups[i].find(kTestAccuracy.key);
      const auto* value = groups[i].find(cost.key);
      if (dataset(i) != dataset(first) || accuracy == nullptr || value == nullptr) continue;
      places.push_back(i);
      candidates.push_back({accuracy->mean, value->mean});
    }
    if (places.empty() || places.front() != first) continue;  // That dataset is done.
    for (size_t i : pareto_front(candidates)) marks[places[i]] = true;
  }
  return marks;
}

/// Characters, not bytes: "±" and "µ" have two.
size_t text_width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
  }));
}

std::string heading(const Column& column) {
  return column.unit.empty() ? column.title : column.title + " [" + column.unit + "]";
}

std::string padded(const std::string& text, size_t width, bool right) {
  const std::string space(width - std::min(width, text_width(text)), ' ');
  return right ? space + text : text + space;
}

std::string escape_markdown(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    if (c == '|' || c == '\\') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

}  // namespace

Table make_table(const std::vector<Record>& records, const std::vector<Group>& groups,
                 const Metric& cost) {
  Table table;
  table.on_front = mark_front(groups, cost);
  table.is_baseline.assign(groups.size(), false);
  for (size_t i : baseline_groups(groups)) table.is_baseline[i] = true;
  const auto settings = varied_settings(groups);
  const auto names = setting_names(settings);
  table.rows.resize(groups.size());
  table.seeds.resize(groups.size());
  for (size_t g = 0; g < groups.size(); ++g) table.seeds[g].resize(groups[g].members.size());

  for (size_t s = 0; s < settings.size(); ++s) {
    table.columns.push_back({names[s], "", false});
    for (size_t g = 0; g < groups.size(); ++g) {
      table.rows[g].push_back(setting_cell(settings[s], groups, g));
      for (auto& row : table.seeds[g]) row.push_back({"", kNothing});
    }
  }
  table.columns.push_back({"seeds", "", true});
  for (size_t g = 0; g < groups.size(); ++g) {
    const size_t count = groups[g].members.size();
    table.rows[g].push_back({std::to_string(count), static_cast<double>(count)});
    for (size_t m = 0; m < count; ++m) {
      const auto& record = records[groups[g].members[m]];
      table.seeds[g][m].push_back(
          {"seed " + record.value("seed", Record("?")).dump(), static_cast<double>(m)});
    }
  }
  for (const auto& metric : table_metrics()) {
    const bool known = std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
      return group.find(metric.key) != nullptr;
    });
    if (!known) continue;
    const auto unit = display_unit(metric.quantity, largest_mean(groups, metric));
    table.columns.push_back({metric.title, unit.name, true});
    for (size_t g = 0; g < groups.size(); ++g) {
      table.rows[g].push_back(statistic_cell(groups[g].find(metric.key), unit));
      for (size_t m = 0; m < groups[g].members.size(); ++m) {
        table.seeds[g][m].push_back(record_cell(records[groups[g].members[m]], metric, unit));
      }
    }
  }
  return table;
}

std::string to_text(const Table& table) {
  std::vector<size_t> widths;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    widths.push_back(text_width(heading(table.columns[c])));
    for (const auto& row : table.rows) widths[c] = std::max(widths[c], text_width(row[c].text));
  }
  std::string text = " ";
  for (size_t c = 0; c < widths.size(); ++c) {
    text += ' ' + padded(heading(table.columns[c]), widths[c], table.columns[c].is_number) + ' ';
  }
  text += '\n';
  for (size_t r = 0; r < table.rows.size(); ++r) {
    text += table.on_front[r] ? "*" : " ";
    for (size_t c = 0; c < widths.size(); ++c) {
      text += ' ' + padded(table.rows[r][c].text, widths[c], table.columns[c].is_number) + ' ';
    }
    text += '\n';
  }
  return text;
}

std::string to_markdown(const Table& table) {
  std::string text = "|", rule = "|";
  for (const auto& column : table.columns) {
    text += ' ' + escape_markdown(heading(column)) + " |";
    rule += column.is_number ? "---:|" : "---|";
  }
  text += '\n' + rule + '\n';
  for (size_t r = 0; r < table.rows.size(); ++r) {
    text += '|';
    for (const auto& cell : table.rows[r]) {
      const std::string escaped = escape_markdown(cell.text);
      text += table.on_front[r] ? " **" + escaped + "** |" : ' ' + escaped + " |";
    }
    text += '\n';
  }
  return text;
}

}  // namespace coppice::report
