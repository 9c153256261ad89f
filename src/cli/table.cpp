#include "cli/table.h"

#include <algorithm>

namespace coppice::cli {
namespace {

// Letters that a terminal shows: UTF-8 continuation bytes take no room.
size_t width_of(const std::string& cell) {
  return static_cast<size_t>(std::count_if(cell.begin(), cell.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
  }));
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add_row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

void Table::add_rule() { rows_.emplace_back(); }

std::string Table::text() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = width_of(columns_[c].title);
    for (const auto& row : rows_) width = row.empty() ? width : std::max(width, width_of(row[c]));
    widths.push_back(width);
  }
  std::string text;
  const auto add_line = [&](const auto& cell_of, char fill) {
    for (size_t c = 0; c < columns_.size(); ++c) {
      const std::string cell = cell_of(c);
      const std::string blank(widths[c] - width_of(cell), fill);
      if (c > 0) text += "  ";
      text += columns_[c].align == Align::kLeft ? cell + blank : blank + cell;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  add_line([&](size_t c) { return columns_[c].title; }, ' ');
  add_line([](size_t) { return std::string(); }, '-');
  for (const auto& row : rows_) {
    if (row.empty()) {
      add_line([](size_t) { return std::string(); }, '-');
    } else {
      add_line([&](size_t c) { return row[c]; }, ' ');
    }
  }
  return text;
}

}  // namespace coppice::cli
