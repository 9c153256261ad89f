#pragma once

#include <string>
#include <vector>

namespace coppice::cli {

/// A text table for a terminal or a log: words to the left, numbers to the right, two spaces
/// between columns.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kRight;
  };

  explicit Table(std::vector<Column> columns);

  /// Adds a row; missing cells stay empty.
  void add_row(std::vector<std::string> cells);
  /// Adds a line of dashes, as before the totals.
  void add_rule();

  /// The whole table, each line ended by a newline, without trailing blanks.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  // An empty row is a rule.
};

}  // namespace coppice::cli
