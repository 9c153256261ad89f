#include "coppice/data/front_end.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "coppice/audio/micro.h"
#include "coppice/core/thread_pool.h"
#include "micro_golden.h"
#include "naive.h"

namespace coppice::data {
namespace {

std::vector<float> features_of(const FrontEnd& front_end, const std::vector<float>& clip) {
  std::vector<float> features(static_cast<size_t>(front_end.shape().elements()), NAN);
  front_end.compute(clip, features);
  return features;
}

TEST(FrontEnd, ShapesAreThoseOfTheNetworks) {
  const std::pair<const char*, Shape> expected[] = {
      {"mfcc", {49, 10, 1}}, {"log_mel", {40, 30, 1}}, {"micro", {49, 40, 1}}};
  for (const auto& [type, shape] : expected) {
    const auto front_end = make_front_end({.type = type});
    ASSERT_TRUE(front_end.ok());
    EXPECT_EQ((*front_end)->shape(), shape) << type;
    EXPECT_EQ((*front_end)->clip_samples(), 16000);
    EXPECT_EQ((*front_end)->sample_rate(), 16000);
  }
}

TEST(FrontEnd, UnknownTypeListsTheKnownOnes) {
  const auto front_end = make_front_end({.type = "mfc"});
  ASSERT_FALSE(front_end.ok());
  EXPECT_EQ(front_end.error().code, ErrorCode::kConfig);
  EXPECT_EQ(front_end.error().message,
            "unknown features \"mfc\"; known: \"mfcc\", \"log_mel\", \"micro\"");
}

TEST(FrontEnd, EveryValueIsWrittenAndFiniteForAnyLevel) {
  for (const char* type : {"mfcc", "log_mel", "micro"}) {
    const auto front_end = make_front_end({.type = type});
    for (float level : {0.0f, 1e-30f, 1e-5f, 1.0f, 8.0f}) {
      auto clip = testing::synthetic_clip(3);
      for (float& sample : clip) sample *= level;
      for (float value : features_of(**front_end, clip)) {
        ASSERT_TRUE(std::isfinite(value)) << type << " at level " << level;
      }
    }
  }
}

uint64_t bits_checksum(const std::vector<float>& values) {
  uint64_t hash = 14695981039346656037u;
  for (float value : values) hash = (hash ^ std::bit_cast<uint32_t>(value)) * 1099511628211u;
  return hash;
}

// Compilers, optimization and instruction sets must not change a bit: what a network was trained on
// is what the chip computes. The values were the same on x86-64, Cortex-M4 and Cortex-M7.
TEST(FrontEnd, HasTheSameBitsOnEveryMachine) {
  const auto samples = audio::golden::clip();
  std::vector<float> clip(samples.begin(), samples.end());
  for (float& sample : clip) sample /= 32768.0f;
  const std::pair<const char*, uint64_t> expected[] = {{"mfcc", 0x1b24806eb2e721f2u},
                                                       {"log_mel", 0x52e74d14b2bb6fd5u}};
  for (const auto& [type, checksum] : expected) {
    const auto front_end = make_front_end({.type = type});
    EXPECT_EQ(bits_checksum(features_of(**front_end, clip)), checksum) << type;
  }
}

TEST(FrontEnd, ThreadsDoNotDisturbEachOther) {
  ThreadPool pool(4);
  for (const char* type : {"mfcc", "log_mel", "micro"}) {
    const auto front_end = make_front_end({.type = type});
    std::vector<std::vector<float>> results(16);
    pool.run(16, [&](int i) {
      results[static_cast<size_t>(i)] =
          features_of(**front_end, testing::synthetic_clip(static_cast<uint64_t>(i)));
    });
    for (size_t i = 0; i < results.size(); ++i) {
      EXPECT_EQ(results[i], features_of(**front_end, testing::synthetic_clip(i))) << type;
    }
  }
}

TEST(FrontEnd, MicroScalesTheIntegersAndKeepsPcanApart) {
  auto clip = testing::synthetic_clip(1);
  std::vector<int16_t> samples(clip.size());
  for (size_t i = 0; i < clip.size(); ++i) {
    samples[i] = static_cast<int16_t>(clip[i] * 32768.0f);
    clip[i] = static_cast<float>(samples[i]) / 32768.0f;
  }
  std::vector<float> results[2];
  for (bool pcan : {false, true}) {
    const auto front_end = make_front_end({.type = "micro", .pcan = pcan});
    results[pcan] = features_of(**front_end, clip);
    audio::Micro::Workspace workspace;
    std::vector<uint16_t> integers(audio::Micro::kFeatures);
    audio::Micro::compute(std::span<const int16_t, 16000>(samples), pcan,
                          std::span<uint16_t, audio::Micro::kFeatures>(integers), workspace);
    for (size_t i = 0; i < integers.size(); ++i) {
      EXPECT_EQ(results[pcan][i], static_cast<float>(integers[i]) * (10.0f / 256.0f));
    }
  }
  EXPECT_NE(results[0], results[1]);
}

}  // namespace
}  // namespace coppice::data
