#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/io/audio_file.h"

namespace coppice::testing {

/// A folder of the test's own, removed at its end.
class TempFolder {
 public:
  TempFolder() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() /
            ("coppice-" + std::string(test->test_suite_name()) + "-" + test->name() + "-" +
             std::to_string(::getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  void write(const std::string& name, std::string_view bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

  /// A tone of `frequency` Hz, so that clips differ.
  void write_tone(const std::string& name, double frequency, size_t samples = 16000,
                  int rate = 16000, double amplitude = 0.25) const {
    std::vector<int16_t> pcm(samples);
    for (size_t i = 0; i < samples; ++i) {
      const double phase = 6.283185307179586 * frequency * static_cast<double>(i) / rate;
      pcm[i] = static_cast<int16_t>(32767 * amplitude * std::sin(phase));
    }
    ASSERT_TRUE(io::write_wav(path_ / name, pcm, rate).ok());
  }

 private:
  std::filesystem::path path_;
};

}  // namespace coppice::testing
