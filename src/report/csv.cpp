#include "coppice/report/csv.h"

#include <algorithm>
#include <set>

namespace coppice::report {
namespace {

constexpr const char* kColumns[] = {"trial_id",
                                    "seed",
                                    "status",
                                    "error",
                                    "arch",
                                    "dataset",
                                    "train_samples",
                                    "validation_samples",
                                    "test_samples",
                                    "sparsity_requested",
                                    "sparsity_achieved",
                                    "sparsity_executed",
                                    "weight_bits",
                                    "activation_bits",
                                    "finetune_epochs",
                                    "executor",
                                    "validation_accuracy",
                                    "test_accuracy",
                                    "test_accuracy_low",
                                    "test_accuracy_high",
                                    "parameters_total",
                                    "parameters_nonzero",
                                    "macs_dense",
                                    "macs_effective",
                                    "macs_executed",
                                    "flash_bytes",
                                    "smallest_storage_bytes",
                                    "ram_peak_bytes",
                                    "host_weight_bytes",
                                    "fallback_layers",
                                    "host_latency_us_median",
                                    "host_latency_us_spread",
                                    "cortex_m4_instructions",
                                    "cortex_m4_flash_bytes",
                                    "cortex_m4_ram_peak_bytes",
                                    "wall_s"};

std::string field(const Record& value) {
  if (value.is_null()) return {};
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::vector<std::string> csv_columns(const std::vector<Record>& records) {
  std::set<std::string> keys;
  for (const auto& record : records) {
    for (const auto& [key, value] : record.items()) keys.insert(key);
  }
  std::vector<std::string> columns;
  for (const char* column : kColumns) {
    if (keys.erase(column) > 0) columns.push_back(column);
  }
  const auto is_config = [](const std::string& key) { return key.rfind("config.", 0) == 0; };
  std::copy_if(keys.begin(), keys.end(), std::back_inserter(columns), is_config);
  std::copy_if(keys.begin(), keys.end(), std::back_inserter(columns),
               [&](const std::string& key) { return !is_config(key); });
  return columns;
}

std::string to_csv(const std::vector<Record>& records) {
  const auto columns = csv_columns(records);
  std::string text;
  for (size_t i = 0; i < columns.size(); ++i) text += (i == 0 ? "" : ",") + field(columns[i]);
  text += "\r\n";
  for (const auto& record : records) {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) text += ',';
      if (const auto found = record.find(columns[i]); found != record.end()) text += field(*found);
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace coppice::report
