#include "coppice/audio/micro.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "micro_golden.h"

namespace coppice::audio {
namespace {

std::vector<uint16_t> run(const std::vector<int16_t>& clip, bool pcan) {
  std::vector<uint16_t> features(Micro::kFeatures);
  Micro::Workspace workspace;
  Micro::compute(std::span<const int16_t, 16000>(clip), pcan,
                 std::span<uint16_t, Micro::kFeatures>(features), workspace);
  return features;
}

TEST(Micro, EqualsTheOriginalOnPinnedFrames) {
  for (const auto& frame : golden::kFrames) {
    const auto features = run(golden::clip(), frame.pcan);
    for (size_t channel = 0; channel < 40; ++channel) {
      EXPECT_EQ(features[frame.index * 40 + channel], frame.values[channel])
          << "frame " << frame.index << " channel " << channel << " pcan " << frame.pcan;
    }
  }
}

TEST(Micro, EqualsTheOriginalOnWholeClips) {
  for (const auto& sum : golden::kChecksums) {
    EXPECT_EQ(golden::checksum(run(golden::clip(sum.kind), sum.pcan)), sum.value)
        << "signal " << sum.kind << " pcan " << sum.pcan;
  }
}

TEST(Micro, SilenceGivesZeros) {
  for (bool pcan : {false, true}) {
    for (uint16_t value : run(std::vector<int16_t>(16000, 0), pcan)) EXPECT_EQ(value, 0);
  }
}

TEST(Micro, FrameByFrameEqualsTheClip) {
  const auto clip = golden::clip();
  const auto expected = run(clip, true);
  Micro::State state;
  Micro::Workspace workspace;
  std::array<uint16_t, 40> out;
  for (size_t t = 0; t < 49; ++t) {
    Micro::frame(std::span<const int16_t, 480>(clip.data() + 320 * t, 480), true, state, out,
                 workspace);
    EXPECT_TRUE(std::equal(out.begin(), out.end(), expected.begin() + static_cast<long>(t * 40)));
  }
}

TEST(Micro, RootIsRoundedToNearest) {
  for (uint64_t r :
       {1ull, 2ull, 3ull, 100ull, 255ull, 4095ull, 65534ull, 65536ull, 1234567ull, 4294967294ull}) {
    EXPECT_EQ(Micro::rounded_root(r * r), r);
    EXPECT_EQ(Micro::rounded_root(r * r + r), r) << "just below the half";
    EXPECT_EQ(Micro::rounded_root(r * r + r + 1), r + 1) << "just above the half";
  }
  EXPECT_EQ(Micro::rounded_root(0), 0u);
  // Values below 2^32 keep to 16 bits: the largest root is not rounded up.
  EXPECT_EQ(Micro::rounded_root(0xffffffff), 0xffffu);
  EXPECT_EQ(Micro::rounded_root(0xffffffffffffffff), 0xffffffffu);
}

TEST(Micro, LogarithmIsNearTheTrueOne) {
  EXPECT_EQ(Micro::scaled_logarithm(0), 0u);
  EXPECT_EQ(Micro::scaled_logarithm(1), 0u);
  for (uint32_t x = 2; x < 0xf0000000u; x += 1 + x / 37) {
    // The segment table is right to 224 / 2^16 at worst (one segment's rise), times 64 ln 2.
    EXPECT_NEAR(Micro::scaled_logarithm(x), 64 * std::log(static_cast<double>(x)), 0.5 + 0.16) << x;
  }
}

}  // namespace
}  // namespace coppice::audio
