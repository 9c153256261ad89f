#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "coppice/report/records.h"

namespace coppice::report {
namespace {

constexpr const char* kSettings[] = {"arch",        "dataset",         "sparsity_requested",
                                     "weight_bits", "activation_bits", "finetune_epochs",
                                     "executor"};
constexpr const char* kConfigPrefix = "config.";

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

bool is_seed(const std::string& key) {
  const size_t name = key.find_last_of("./");
  const std::string last = name == std::string::npos ? key : key.substr(name + 1);
  return last == "seed" || starts_with(key, "config./seeds/") || key == "config./seeds";
}

nlohmann::ordered_json setting_of(const Group& group, const std::string& key) {
  const auto found = group.settings.find(key);
  return found == group.settings.end() ? nlohmann::ordered_json() : *found;
}

/// The settings of a record: the named ones first, in their fixed order, then the swept ones.
Record settings_of(const Record& record) {
  Record settings = Record::object();
  for (const char* key : kSettings) {
    if (const auto found = record.find(key); found != record.end()) settings[key] = *found;
  }
  for (const auto& [key, value] : record.items()) {
    if (is_setting(key) && !settings.contains(key)) settings[key] = value;
  }
  return settings;
}

/// Every setting key of any group, in order of first appearance.
std::vector<std::string> setting_keys(const std::vector<Group>& groups) {
  std::vector<std::string> keys;
  for (const char* key : kSettings) keys.push_back(key);
  std::set<std::string> seen(keys.begin(), keys.end());
  for (const auto& group : groups) {
    for (const auto& [key, value] : group.settings.items()) {
      if (seen.insert(key).second) keys.push_back(key);
    }
  }
  return keys;
}

bool varies(const std::vector<Group>& groups, const std::string& key) {
  return std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
    return setting_of(group, key) != setting_of(groups.front(), key);
  });
}

/// Whether two settings have the same value in every group that has the later one. A step that is
/// switched off has no value: null repeats anything.
bool repeats(const std::vector<Group>& groups, const std::string& earlier, const std::string& key) {
  return std::all_of(groups.begin(), groups.end(), [&](const Group& group) {
    const auto value = setting_of(group, key);
    return value.is_null() || value == setting_of(group, earlier);
  });
}

double number_or(const Group& group, const char* key, double otherwise) {
  const auto value = setting_of(group, key);
  return value.is_number() ? value.get<double>() : otherwise;
}

}  // namespace

Statistic summarize(const std::vector<double>& values) {
  Statistic result;
  if (values.empty()) return result;
  result.count = static_cast<int>(values.size());
  result.minimum = *std::min_element(values.begin(), values.end());
  result.maximum = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (double value : values) sum += value;
  result.mean = sum / result.count;
  if (result.count < 2 || result.minimum == result.maximum) return result;
  double squares = 0;  // Two passes: one-pass sums of squares cancel for large equal counts.
  for (double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / (result.count - 1));
  return result;
}

const Statistic* Group::find(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : &found->second;
}

bool is_setting(const std::string& key) {
  if (is_seed(key)) return false;
  return starts_with(key, kConfigPrefix) ||
         std::find(std::begin(kSettings), std::end(kSettings), key) != std::end(kSettings);
}

std::vector<Group> group_by_seed(const std::vector<Record>& records) {
  std::vector<Group> groups;
  std::unordered_map<std::string, size_t> place;
  for (size_t i = 0; i < records.size(); ++i) {
    if (!succeeded(records[i])) continue;
    auto settings = settings_of(records[i]);
    const auto [entry, is_new] = place.try_emplace(settings.dump(), groups.size());
    if (is_new) groups.push_back({std::move(settings), {}, {}});
    groups[entry->second].members.push_back(i);
  }
  for (auto& group : groups) {
    std::map<std::string, std::vector<double>> samples;
    for (size_t member : group.members) {
      for (const auto& [key, value] : records[member].items()) {
        if (value.is_number() && !is_seed(key)) samples[key].push_back(value.get<double>());
      }
    }
    for (const auto& [key, values] : samples) group.values[key] = summarize(values);
  }
  return groups;
}

std::vector<std::string> varied_settings(const std::vector<Group>& groups) {
  std::vector<std::string> varied;
  for (const auto& key : setting_keys(groups)) {
    if (!varies(groups, key)) continue;
    const bool repeated =
        std::any_of(varied.begin(), varied.end(),
                    [&](const std::string& earlier) { return repeats(groups, earlier, key); });
    if (!repeated) varied.push_back(key);
  }
  return varied;
}

std::vector<std::string> constant_settings(const std::vector<Group>& groups) {
  std::vector<std::string> constant;
  for (const char* key : kSettings) {
    if (!groups.empty() && !varies(groups, key) && !setting_of(groups.front(), key).is_null()) {
      constant.push_back(key);
    }
  }
  return constant;
}

std::vector<size_t> baseline_groups(const std::vector<Group>& groups) {
  std::vector<std::pair<std::string, size_t>> best;
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto& group = groups[i];
    const bool dense = number_or(group, "sparsity_requested", 0) == 0;
    const bool is_float = number_or(group, "weight_bits", 32) >= 32;
    if (!dense || !is_float) continue;
    const std::string network =
        setting_of(group, "arch").dump() + setting_of(group, "dataset").dump();
    auto known = std::find_if(best.begin(), best.end(),
                              [&](const auto& entry) { return entry.first == network; });
    if (known == best.end()) {
      best.emplace_back(network, i);
    } else if (number_or(group, "finetune_epochs", 0) <
               number_or(groups[known->second], "finetune_epochs", 0)) {
      known->second = i;
    }
  }
  std::vector<size_t> indices;
  for (const auto& entry : best) indices.push_back(entry.second);
  return indices;
}

void add_accuracy_drops(std::vector<Record>& records) {
  const auto trained_alike = [](const Record& record) {
    std::string text;
    for (const char* key : {"arch", "dataset", "seed"}) text += record.value(key, Record()).dump();
    return text;
  };
  const auto accuracy_of = [](const Record& record) {
    const auto found = record.find("test_accuracy");
    return found != record.end() && found->is_number() ? found->get<double>() : std::nan("");
  };
  const auto groups = group_by_seed(records);
  std::unordered_map<std::string, double> baselines;
  for (const size_t index : baseline_groups(groups)) {
    for (const size_t member : groups[index].members) {
      baselines[trained_alike(records[member])] = accuracy_of(records[member]);
    }
  }
  for (Record& record : records) {
    const auto found = baselines.find(trained_alike(record));
    if (!succeeded(record) || found == baselines.end()) continue;
    const double drop = found->second - accuracy_of(record);
    if (!std::isnan(drop)) record["accuracy_drop"] = drop;
  }
}

}  // namespace coppice::report
