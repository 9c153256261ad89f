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
#include "naive.h"
#include "shared_data.h"

namespace coppice::audio {
namespace {

std::vector<float> padded_clip(const std::filesystem::path& path) {
  auto clip = io::read_wav(path, Mfcc::kSampleRate);
  EXPECT_TRUE(clip.ok()) << clip.error().message;
  clip->samples.resize(Mfcc::kClipSamples, 0.0f);
  return clip->samples;
}

TEST(Mfcc, EqualsANaiveComputation) {
  Mfcc::Workspace workspace;
  for (uint64_t seed : {1, 2, 3}) {
    const auto clip = testing::synthetic_clip(seed);
    const double peak = *std::max_element(clip.begin(), clip.end());
    std::vector<float> features(Mfcc::kFeatures);
    Mfcc::compute(std::span<const float, 16000>(clip), std::span<float, Mfcc::kFeatures>(features),
                  workspace);
    for (size_t t : {0u, 17u, 48u}) {
      const auto frame = testing::hann_frame(clip, t * 320, 480, 512, 1 / peak);
      const auto spectrum = testing::naive_dft(frame);
      const double lost = testing::fft_error_bound(frame);
      std::vector<double> logs, errors;
      for (const auto band : Mfcc::Bank::bands()) {
        double mel = 0, error = 0;
        for (size_t i = 0; i < band.count; ++i) {
          const double weight = Mfcc::Bank::weights()[band.offset + i];
          mel += weight * std::abs(spectrum[band.first + i]);
          error += weight * 1.5 * lost;  // Both parts of a bin are off: sqrt(2).
        }
        logs.push_back(std::log(mel + 1e-6));
        errors.push_back(error / mel + (band.count + 8) * testing::kEpsilon);
      }
      for (size_t k = 0; k < 10; ++k) {
        double expected = 0, bound = 0;
        for (size_t n = 0; n < 40; ++n) {
          const double angle = kPi * static_cast<double>(k * (2 * n + 1)) / 80;
          const double factor = 2 * std::cos(angle) / std::sqrt(80.0);
          expected += logs[n] * factor;
          bound += std::abs(factor) * (errors[n] + 40 * testing::kEpsilon * std::abs(logs[n]));
        }
        EXPECT_NEAR(features[t * 10 + k], expected, bound) << t << " " << k;
        EXPECT_LT(bound, 0.1) << "the bound says nothing";
      }
    }
  }
}

TEST(Mfcc, SilenceIsFinite) {
  Mfcc::Workspace workspace;
  const std::vector<float> silence(16000, 0.0f);
  std::vector<float> features(Mfcc::kFeatures);
  Mfcc::compute(std::span<const float, 16000>(silence), std::span<float, Mfcc::kFeatures>(features),
                workspace);
  // All bands are ln(1e-6), and only the first coefficient sees what bands have in common.
  const double first = std::log(1e-6) * 40 * 2 / std::sqrt(80.0);
  for (size_t i = 0; i < features.size(); ++i) {
    EXPECT_NEAR(features[i], i % 10 == 0 ? first : 0.0, 40 * testing::kEpsilon * 200) << i;
  }
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
  EXPECT_GE(share, 0.995);
  EXPECT_LE(largest, 1);
}

}  // namespace
}  // namespace coppice::audio
