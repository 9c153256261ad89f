#pragma once

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coppice::report::testing {

using Json = nlohmann::ordered_json;

/// A run folder that is removed at the end of the test.
class RunFolder {
 public:
  explicit RunFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("coppice_report_{}_{}", name, ::getpid())) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~RunFolder() { std::filesystem::remove_all(path_); }
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  std::filesystem::path path_;
};

struct Point {
  double sparsity;
  int bits;
  int finetune_epochs;
  int seed;
};

/// The 16 configurations of a small sweep with 3 seeds each.
inline std::vector<Point> sweep_points() {
  std::vector<Point> points;
  for (int seed : {1, 2, 3}) {
    for (double sparsity : {0.0, 0.5, 0.8, 0.9}) {
      for (int epochs : {0, 5}) {
        for (int bits : {32, 8}) points.push_back({sparsity, bits, epochs, seed});
      }
    }
  }
  return points;
}

/// A value in [-1, 1) that depends on nothing but the arguments.
inline double noise(const Point& point, int stream) {
  const auto part = [](int value, unsigned prime) { return static_cast<unsigned>(value) * prime; };
  const unsigned mixed = part(point.seed, 7919u) + part(point.bits, 104729u) +
                         part(stream, 1299709u) + part(point.finetune_epochs, 15485863u) +
                         part(static_cast<int>(point.sparsity * 100), 32452843u);
  const unsigned scrambled = (mixed ^ (mixed >> 13)) * 2654435761u;
  return static_cast<double>(scrambled >> 8) / (1 << 23) - 1.0;
}

/// A ds_cnn-like record with plausible numbers.
inline Json sweep_record(const Point& point) {
  const double kept = 1 - point.sparsity;
  const double loss = point.finetune_epochs > 0 ? 0.028 * std::pow(point.sparsity, 4)
                                                : 0.75 * std::pow(point.sparsity, 5);
  const double accuracy = 0.9235 - loss - (point.bits == 8 ? 0.004 : 0) +
                          (point.finetune_epochs > 0 ? 0.003 : 0) + 0.006 * noise(point, 1);
  const double test = std::round(accuracy * 4890) / 4890,
               half = 1.96 * std::sqrt(test * (1 - test) / 4890);
  const int64_t parameters = 22604;
  const auto biases = static_cast<int64_t>(600 * point.sparsity);  // Never pruned.
  const auto nonzero = static_cast<int64_t>(static_cast<double>(parameters) * kept) + biases;
  Json record = {
      {"trial_id",
       fmt::format("{:08x}", static_cast<unsigned>((noise(point, 9) + 1) * 2147483647.0))},
      {"seed", point.seed},
      {"status", "ok"},
      {"arch", "ds_cnn"},
      {"dataset", "speech_commands_v2"},
      {"train_samples", 36923},
      {"validation_samples", 4445},
      {"test_samples", 4890},
      {"config./steps/1/prune/sparsity", point.sparsity},
      {"config./steps/2/finetune/epochs", point.finetune_epochs},
      {"config./steps/3/quantize/bits", point.bits},
      {"sparsity_requested", point.sparsity},
      {"sparsity_achieved", 1 - static_cast<double>(nonzero) / static_cast<double>(parameters)},
      {"weight_bits", point.bits},
      {"activation_bits", point.bits},
      {"finetune_epochs", point.finetune_epochs},
      {"validation_accuracy", accuracy + 0.004 + 0.003 * noise(point, 2)},
      {"test_accuracy", test},
      {"test_accuracy_low", test - half},
      {"test_accuracy_high", test + half},
      {"parameters_total", parameters},
      {"parameters_nonzero", nonzero},
      {"macs_dense", 2656768},
      {"macs_effective", static_cast<int64_t>(2656768 * (0.06 + 0.94 * kept))},
      {"flash_bytes", static_cast<int64_t>(static_cast<double>(nonzero) * point.bits / 8 *
                                           (point.sparsity > 0 ? 1.25 : 1)) +
                          4100},
      {"ram_peak_bytes", point.bits == 8 ? 33024 : 129024},
      {"host_latency_us_median",
       (point.bits == 8 ? 310 : 540) * (0.35 + 0.65 * kept) * (1 + 0.04 * noise(point, 3))},
      {"host_latency_us_spread", 12.5},
      {"wall_s", 48.2 + noise(point, 4)}};
  if (point.bits == 8) {
    record["cortex_m4_instructions"] = static_cast<int64_t>(31.4e6 * (0.3 + 0.7 * kept));
    record["cortex_m4_flash_bytes"] = record["flash_bytes"].get<int64_t>() + 9800;
    record["cortex_m4_ram_peak_bytes"] = 34100;
  }
  return record;
}

inline std::vector<Json> sweep_records() {
  std::vector<Json> records;
  for (const auto& point : sweep_points()) records.push_back(sweep_record(point));
  return records;
}

inline Json failed_record() {
  return {{"trial_id", "deadbeef"},
          {"seed", 2},
          {"status", "failed"},
          {"error", "layer conv_3: sparsity 0.999 leaves no weight; at least one was expected"},
          {"arch", "ds_cnn"},
          {"dataset", "speech_commands_v2"},
          {"sparsity_requested", 0.999}};
}

inline std::string to_lines(const std::vector<Json>& records) {
  std::string text;
  for (const auto& record : records) text += record.dump() + "\n";
  return text;
}

/// A whole run folder with one failed trial.
inline void write_run(const RunFolder& folder) {
  auto records = sweep_records();
  records.push_back(failed_record());
  folder.write("results.jsonl", to_lines(records));
  folder.write("config.resolved.json", R"({"version": 1, "name": "kws_demo", "seeds": [1, 2, 3]})");
  folder.write("env.json",
               R"({"cpu": "Intel(R) Xeon(R) @ 2.20GHz", "isa": "avx2", "compiler": "GCC 12.2.0",
    "version": "0.1.0", "command": "coppice sweep configs/kws_demo.json"})");
}

}  // namespace coppice::report::testing
