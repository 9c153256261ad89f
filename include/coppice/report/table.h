#pragma once

#include <string>
#include <vector>

#include "coppice/report/metric.h"
#include "coppice/report/records.h"

namespace coppice::report {

struct Column {
  std::string title;
  std::string unit;
  bool is_number = false;
};

struct Cell {
  std::string text;
  double order = 0;  ///< Sorts the column; NaN when there is no value.
};

/// The groups of a run as rows: a mark for the Pareto front of test accuracy against one cost,
/// the varied settings, the number of seeds, the results as mean ± standard deviation.
struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;                ///< One a group.
  std::vector<std::vector<std::vector<Cell>>> seeds;  ///< Of each group, one row a member.
  std::vector<bool> on_front;                         ///< Of each group.
  std::vector<bool> is_baseline;                      ///< Of each group.
};

/// Builds the table; columns that no trial has are left out. Among groups of one dataset,
/// `on_front` marks the Pareto front of test accuracy against `cost`.
Table make_table(const std::vector<Record>& records, const std::vector<Group>& groups,
                 const Metric& cost);

/// Aligned text for a terminal; `*` before a row marks the Pareto front.
std::string to_text(const Table& table);

/// A GitHub-flavoured markdown table; rows on the Pareto front are bold.
std::string to_markdown(const Table& table);

}  // namespace coppice::report
