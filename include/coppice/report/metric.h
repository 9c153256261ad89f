#pragma once

#include <string>
#include <vector>

#include "coppice/report/records.h"

namespace coppice::report {

/// What kind of number a result is; decides its unit and digits.
enum class Quantity {
  kFraction,
  kBytes,
  kParameters,
  kOperations,
  kMicroseconds,
  kSeconds,
  kPoints,  ///< A difference of fractions.
};

/// A result that tables and figures show.
struct Metric {
  const char* key;    ///< In results.jsonl.
  const char* name;   ///< On the command line and in file names: "flash".
  const char* title;  ///< Column and axis title, without the unit.
  Quantity quantity;
};

inline constexpr Metric kTestAccuracy{"test_accuracy", "accuracy", "Test accuracy",
                                      Quantity::kFraction};

/// Columns of the table in their order, test accuracy first.
const std::vector<Metric>& table_metrics();

/// What a model costs: flash, macs, latency, instructions, parameters.
const std::vector<Metric>& cost_metrics();

/// What accuracy may be drawn against: the costs, and the settings bits and sparsity.
const std::vector<Metric>& axis_metrics();

/// How values of one column or axis are written, all in the same unit.
struct DisplayUnit {
  double factor = 1;  ///< Shown value = value * factor.
  std::string name;   ///< "KiB", "%", "M", "ms"; empty for plain counts.
  int decimals = 0;
};

/// The unit in which values up to `largest` read well.
DisplayUnit display_unit(Quantity quantity, double largest);

/// The largest mean of `metric` over the groups; 0 when none has it.
double largest_mean(const std::vector<Group>& groups, const Metric& metric);

/// Fixed decimals with thousands separators: 1,234,567.8.
std::string format_number(double value, int decimals);

/// "92.31 ± 0.42"; the spread is left out for a single value, or when it is exactly zero.
std::string format_statistic(const Statistic& statistic, const DisplayUnit& unit);

/// What a setting is called in a table: "weights", "fine-tuning", or the words of the config
/// pointer without step numbers ("prune granularity"). Names that would be equal within `keys`
/// stay whole pointers.
std::vector<std::string> setting_names(const std::vector<std::string>& keys);

/// A setting's value as text: "int8", "80 %", "5 epochs", "-" for none.
std::string setting_text(const std::string& key, const Record& settings);

}  // namespace coppice::report
