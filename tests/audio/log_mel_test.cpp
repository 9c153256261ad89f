#include "coppice/audio/log_mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "naive.h"

namespace coppice::audio {
namespace {

struct Decibels {
  double value;
  double bound;  ///< How far single precision may be off.
};

// One frame of the naive log-mel spectrogram.
std::vector<Decibels> naive_frame(const std::vector<float>& clip, size_t begin) {
  const auto frame = testing::hann_frame(clip, begin, 1024, 1024);
  const auto spectrum = testing::naive_dft(frame);
  const double lost = testing::fft_error_bound(frame);
  std::vector<Decibels> result;
  for (const auto band : LogMel::Bank::bands()) {
    double power = 0, error = 0;
    for (size_t i = 0; i < band.count; ++i) {
      const double weight = LogMel::Bank::weights()[band.offset + i];
      const double amplitude = std::abs(spectrum[band.first + i]);
      power += weight * amplitude * amplitude;
      error += weight * (2 * amplitude + lost) * lost;
    }
    error += (band.count + 3) * testing::kEpsilon * power;
    const double floored = std::max(power, 1e-8);
    const double value = 10 * std::log10(floored);
    const double relative = std::min(error / floored, 0.5);
    result.push_back({value, 10 / std::log(10) * -std::log1p(-relative) +
                                 4 * testing::kEpsilon * (std::abs(value) + 1)});
  }
  return result;
}

TEST(LogMel, DecibelsEqualANaiveComputation) {
  LogMel::Workspace workspace;
  std::array<float, LogMel::kBands> bands;
  for (uint64_t seed : {1, 2}) {
    const auto clip = testing::synthetic_clip(seed);
    for (size_t begin : {0u, 4096u, 14848u}) {
      LogMel::frame(std::span<const float, 1024>(clip.data() + begin, 1024), bands, workspace);
      const auto expected = naive_frame(clip, begin);
      for (size_t b = 0; b < bands.size(); ++b) {
        EXPECT_NEAR(bands[b], expected[b].value, expected[b].bound) << begin << " " << b;
        EXPECT_LT(expected[b].bound, 0.1) << "the bound says nothing";
      }
    }
  }
}

TEST(LogMel, FeaturesAreTheNormalizedDecibelsFrequencyFirst) {
  const auto clip = testing::synthetic_clip(5);
  LogMel::Workspace workspace;
  std::array<float, LogMel::kFeatures> features;
  LogMel::compute(std::span<const float, 16000>(clip), features, workspace);
  std::vector<std::vector<Decibels>> frames;
  double mean = 0, squares = 0;
  for (size_t t = 0; t < 30; ++t) {
    frames.push_back(naive_frame(clip, t * 512));
    for (const auto& band : frames.back()) mean += band.value / 1200;
  }
  for (const auto& frame : frames) {
    for (const auto& band : frame) squares += (band.value - mean) * (band.value - mean) / 1200;
  }
  const double deviation = std::sqrt(squares);
  // Sums of 1200 floats below 80 in magnitude lose at most 1200 epsilon of 80.
  const double summed = 1200 * testing::kEpsilon * 80 / deviation;
  for (size_t b = 0; b < 40; ++b) {
    for (size_t t = 0; t < 30; ++t) {
      const double expected = (frames[t][b].value - mean) / deviation;
      EXPECT_NEAR(features[b * 30 + t], expected, 2 * frames[t][b].bound / deviation + summed);
    }
  }
}

TEST(LogMel, SilenceHasNoShape) {
  LogMel::Workspace workspace;
  std::array<float, LogMel::kFeatures> features;
  features.fill(1.0f);
  const std::vector<float> silence(16000, 0.0f);
  LogMel::compute(std::span<const float, 16000>(silence), features, workspace);
  for (float value : features) EXPECT_EQ(value, 0.0f);
  std::array<float, LogMel::kBands> bands;
  LogMel::frame(std::span<const float, 1024>(silence.data(), 1024), bands, workspace);
  for (float value : bands) EXPECT_NEAR(value, -80.0f, 80 * testing::kEpsilon);
}

}  // namespace
}  // namespace coppice::audio
