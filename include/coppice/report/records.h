#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/core/result.h"

namespace coppice::report {

/// One trial: a line of results.jsonl, a flat object whose keys keep their order.
using Record = nlohmann::ordered_json;

/// The trials of a results.jsonl. When a trial_id is there twice (a failed trial that was run
/// again), the later line takes the earlier one's place. A last line that was cut off while it was
/// written is ignored; any other line that is not a JSON object is an error naming file and line.
Result<std::vector<Record>> load_records(const std::filesystem::path& results_jsonl);

/// Whether the trial ended well ("status" is "ok", or there is no status).
bool succeeded(const Record& record);

/// A value over the seeds of a group.
struct Statistic {
  int count = 0;
  double mean = 0;
  double deviation = 0;  ///< Sample standard deviation (count - 1); 0 for a single value.
  double minimum = 0;
  double maximum = 0;
};

/// Mean, sample standard deviation and range of `values`.
Statistic summarize(const std::vector<double>& values);

/// Trials that differ by their seed alone.
struct Group {
  Record settings;              ///< What was asked for: arch, bits, swept values, ...
  std::vector<size_t> members;  ///< Indices of the records, in file order.
  std::map<std::string, Statistic>
      values;  ///< Each numeric result key that all or some members have.

  /// The statistic of `key`, or null when no member has it.
  const Statistic* find(const std::string& key) const;
};

/// Whether `key` says what was asked for (arch, dataset, bits, requested sparsity, "config./...")
/// rather than what came out. Seeds are neither.
bool is_setting(const std::string& key);

/// Groups the successful records by their settings, in order of first appearance.
std::vector<Group> group_by_seed(const std::vector<Record>& records);

/// The settings that differ between groups. A later key that repeats an earlier one's values in
/// every group (config./steps/1/prune/sparsity beside sparsity_requested) is left out.
std::vector<std::string> varied_settings(const std::vector<Group>& groups);

/// The settings that are equal in all groups, without the "config." ones.
std::vector<std::string> constant_settings(const std::vector<Group>& groups);

/// Adds "accuracy_drop" to each successful record with a test accuracy: that of the baseline of the
/// same arch, dataset and seed, less its own. Records without such a baseline stay as they are.
void add_accuracy_drops(std::vector<Record>& records);

/// Indices of the groups that others are compared with: of each arch and dataset the dense float
/// one (no sparsity, 32-bit weights; the fewest fine-tuning epochs). Empty when there is none.
std::vector<size_t> baseline_groups(const std::vector<Group>& groups);

}  // namespace coppice::report
