#include "coppice/audio/mfcc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "coppice/core/file.h"
#include "coppice/data/front_end.h"
#include "coppice/io/audio_file.h"
#include "shared_data.h"

namespace coppice::audio {
namespace {

std::vector<float> padded_clip(const std::filesystem::path& path) {
  auto clip = io::read_wav(path, Mfcc::kSampleRate);
  EXPECT_TRUE(clip.ok()) << clip.error().message;
  clip->samples.resize(Mfcc::kClipSamples, 0.0f);
  return clip->samples;
}

TEST(Mfcc, EqualsTheOfficialInputsOfTheMlperfKeywordNetwork) {
  COPPICE_REQUIRE_SHARED(folder, "data/mlperf_kws");
  const auto official = read_file(folder / "mfcc_int8_49x10.bin");
  ASSERT_TRUE(official.ok());
  std::ifstream labels(folder / "labels.csv");
  auto front_end = data::make_front_end({.type = "mfcc"});
  ASSERT_TRUE(front_end.ok());
  std::vector<float> features(Mfcc::kFeatures);
  size_t at = 0;
  int equal = 0;
  int largest = 0;
  for (std::string line; std::getline(labels, line);) {
    if (line.rfind("file", 0) == 0 || line.empty()) continue;
    (*front_end)->compute(padded_clip(folder / line.substr(0, line.find(','))), features);
    for (float value : features) {
      const int quantized =
          std::clamp(static_cast<int>(std::trunc(value / 0.5847029f + 83.0f)), -128, 127);
      const int difference = std::abs(quantized - static_cast<signed char>((*official)[at++]));
      equal += difference == 0;
      largest = std::max(largest, difference);
    }
  }
  ASSERT_EQ(at, official->size());
  const double share = static_cast<double>(equal) / static_cast<double>(at);
  RecordProperty("equal_share", std::to_string(share));
  std::printf("equal: %.4f %% of %zu\n", share * 100, at);
  EXPECT_GE(share, 0.995);
  EXPECT_LE(largest, 1);
}

}  // namespace
}  // namespace coppice::audio
