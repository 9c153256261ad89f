#pragma once

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "coppice/core/random.h"

namespace coppice::testing {

/// A folder of its own for each test; gone afterwards.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("coppice_" + name + "_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Writes images in CIFAR-10's binary format: noise around a brightness and a bright row that
/// belong to the class, so that a tiny network learns something in a second.
inline void write_tiny_cifar(const std::filesystem::path& folder, int train, int test) {
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, int records, uint64_t stream) {
    std::ofstream file(folder / name, std::ios::binary);
    for (int i = 0; i < records; ++i) {
      Random random(7, stream, static_cast<uint64_t>(i));
      const int label = i % 10;
      std::string record(1, static_cast<char>(label));
      for (int p = 0; p < 3 * 1024; ++p) {
        const bool bright = (p % 1024) / 32 / 3 == label;
        const float value = 60.0f + (bright ? 90.0f : 0.0f) + 30.0f * random.normal();
        record += static_cast<char>(static_cast<int>(std::clamp(value, 0.0f, 255.0f)));
      }
      file << record;
    }
  };
  write("data_batch_1.bin", train, 1);
  write("test_batch.bin", test, 2);
}

/// A config for that data: a tiny network, a grid of 2 x (1 + 2 x 2) x 2 trials for two seeds.
inline std::string tiny_config(const std::filesystem::path& data, int epochs) {
  return R"({"version": 1, "name": "tiny", "seeds": [0, 1],
    "dataset": {"type": "cifar10", "path": ")" +
         data.string() + R"(", "crop_padding": 2},
    "model": {"name": "tiny", "layers": [
      {"op": "conv2d", "name": "conv", "out_channels": {"values": [4, 6]}, "kernel": [3, 3],
       "stride": [2, 2], "padding": "same"},
      {"op": "relu"}, {"op": "avg_pool2d", "kernel": [4, 4], "stride": [4, 4]},
      {"op": "flatten"}, {"op": "fully_connected", "name": "fc", "out_features": 10}]},
    "steps": [
      {"train": {"epochs": )" +
         std::to_string(epochs) + R"(, "learning_rate": 0.01}},
      {"prune": {"sparsity": {"values": [0, 0.5, 0.8]}}},
      {"finetune": {"epochs": {"values": [0, 2]}, "only_after_pruning": true}},
      {"quantize": {"weight_bits": {"values": [32, 8]}}},
      {"evaluate": {}},
      {"measure": {"targets": ["host"], "repetitions": 1}}]})";
}

}  // namespace coppice::testing
