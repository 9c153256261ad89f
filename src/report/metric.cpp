#include "coppice/report/metric.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

namespace coppice::report {
namespace {

constexpr double kKibi = 1024;

std::string pointer_words(const std::string& key) {
  std::string words, part;
  const auto add = [&] {
    const bool number =
        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!number && part != "steps") words += (words.empty() ? "" : " ") + part;
    part.clear();
  };
  for (char c : key.substr(std::string("config.").size())) {
    if (c == '/') {
      add();
    } else {
      part += c == '_' ? ' ' : c;
    }
  }
  add();
  return words.empty() ? key : words;
}

std::string setting_name(const std::string& key) {
  if (key == "arch") return "network";
  if (key == "sparsity_requested") return "sparsity requested";
  if (key == "weight_bits") return "weights";
  if (key == "activation_bits") return "activations";
  if (key == "finetune_epochs") return "fine-tuning";
  if (key.rfind("config.", 0) == 0) return pointer_words(key);
  return key;
}

std::string trimmed_number(double value) {
  std::string text = fmt::format("{:.4f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

const std::vector<Metric>& table_metrics() {
  static const std::vector<Metric> metrics = {
      kTestAccuracy,
      {"accuracy_drop", "drop", "Drop", Quantity::kPoints},
      {"validation_accuracy", "validation", "Validation accuracy", Quantity::kFraction},
      {"sparsity_achieved", "sparsity", "Sparsity achieved", Quantity::kFraction},
      {"sparsity_executed", "executed-sparsity", "Sparsity executed", Quantity::kFraction},
      {"parameters_nonzero", "parameters", "Non-zero parameters", Quantity::kParameters},
      {"macs_effective", "macs", "Effective MACs", Quantity::kOperations},
      {"macs_executed", "executed", "Executed MACs", Quantity::kOperations},
      {"flash_bytes", "flash", "Flash", Quantity::kBytes},
      {"smallest_storage_bytes", "storage", "Smallest storage", Quantity::kBytes},
      {"ram_peak_bytes", "ram", "Peak RAM", Quantity::kBytes},
      {"host_latency_us_median", "latency", "Host latency", Quantity::kMicroseconds},
      {"cortex_m4_instructions", "instructions", "Cortex-M4 instructions", Quantity::kOperations},
  };
  return metrics;
}

const std::vector<Metric>& cost_metrics() {
  static const std::vector<Metric> metrics = {
      {"flash_bytes", "flash", "Flash size", Quantity::kBytes},
      {"macs_effective", "macs", "Effective MACs", Quantity::kOperations},
      {"host_latency_us_median", "latency", "Host latency, median", Quantity::kMicroseconds},
      {"cortex_m4_instructions", "instructions", "Cortex-M4 instructions", Quantity::kOperations},
      {"parameters_nonzero", "parameters", "Non-zero parameters", Quantity::kParameters},
      {"macs_executed", "executed", "Executed MACs", Quantity::kOperations},
  };
  return metrics;
}

const std::vector<Metric>& axis_metrics() {
  static const std::vector<Metric> metrics = [] {
    std::vector<Metric> all = cost_metrics();
    all.push_back({"weight_bits", "bits", "Bits of a weight", Quantity::kParameters});
    all.push_back({"sparsity_requested", "sparsity", "Sparsity requested", Quantity::kFraction});
    return all;
  }();
  return metrics;
}

DisplayUnit display_unit(Quantity quantity, double largest) {
  switch (quantity) {
    case Quantity::kFraction:
      return {100, "%", 2};
    case Quantity::kPoints:
      return {100, "points", 2};
    case Quantity::kBytes:
      if (largest < kKibi) return {1, "B", 0};
      if (largest < 10 * kKibi * kKibi) return {1 / kKibi, "KiB", 1};
      return {1 / (kKibi * kKibi), "MiB", 2};
    case Quantity::kParameters:
      return {1, "", 0};
    case Quantity::kOperations:
      if (largest < 1e4) return {1, "", 0};
      if (largest < 1e6) return {1e-3, "k", 1};
      if (largest < 1e9) return {1e-6, "M", 3};
      return {1e-9, "G", 3};
    case Quantity::kMicroseconds:
      if (largest < 1e4) return {1, "µs", 1};
      if (largest < 1e7) return {1e-3, "ms", 2};
      return {1e-6, "s", 2};
    case Quantity::kSeconds:
      return {1, "s", 1};
  }
  return {};
}

double largest_mean(const std::vector<Group>& groups, const Metric& metric) {
  double largest = 0;
  for (const auto& group : groups) {
    if (const auto* statistic = group.find(metric.key))
      largest = std::max(largest, statistic->mean);
  }
  return largest;
}

std::string format_number(double value, int decimals) {
  if (!std::isfinite(value)) return "-";
  std::string text = fmt::format("{:.{}f}", std::abs(value), decimals);
  const size_t point = std::min(text.find('.'), text.size());
  for (size_t place = point; place > 3; place -= 3) text.insert(place - 3, ",");
  const bool is_zero = text.find_first_of("123456789") == std::string::npos;
  return (value < 0 && !is_zero ? "-" : "") + text;
}

std::string format_statistic(const Statistic& statistic, const DisplayUnit& unit) {
  std::string text = format_number(statistic.mean * unit.factor, unit.decimals);
  if (statistic.count > 1 && statistic.deviation > 0) {
    text += " ± " + format_number(statistic.deviation * unit.factor, unit.decimals);
  }
  return text;
}

std::vector<std::string> setting_names(const std::vector<std::string>& keys) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(setting_name(key));
  auto unique = names;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (std::count(names.begin(), names.end(), names[i]) > 1) unique[i] = keys[i];
  }
  return unique;
}

std::string setting_text(const std::string& key, const Record& settings) {
  const auto found = settings.find(key);
  if (found == settings.end() || found->is_null()) return "-";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_boolean()) return found->get<bool>() ? "yes" : "no";
  if (!found->is_number()) return found->dump();
  const double value = found->get<double>();
  if (key == "sparsity_requested") return trimmed_number(value * 100) + " %";
  if (key == "weight_bits" || key == "activation_bits") {
    return (value >= 32 ? "float" : "int") + trimmed_number(value);
  }
  if (key == "finetune_epochs") {
    return value == 0 ? "none" : trimmed_number(value) + (value == 1 ? " epoch" : " epochs");
  }
  return found->dump();
}

}  // namespace coppice::report
