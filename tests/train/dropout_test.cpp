#include <gtest/gtest.h>

#include <cmath>

#include "coppice/core/random.h"
#include "coppice/graph/builder.h"
#include "train/dropout_rate.h"
#include "train/kernels.h"

namespace coppice::train {
namespace {

DropoutStream stream(uint64_t seed, uint64_t name, uint64_t index, float rate) {
  DropoutStream stream;
  stream.key[0] = static_cast<uint32_t>(seed);
  stream.key[1] = static_cast<uint32_t>(seed >> 32) ^ static_cast<uint32_t>(name >> 32);
  stream.counter[0] = static_cast<uint32_t>(name);
  stream.counter[1] = static_cast<uint32_t>(index);
  stream.counter[2] = static_cast<uint32_t>(index >> 32);
  stream.threshold = static_cast<uint32_t>(std::lround(rate * 65536.0f));
  stream.scale = 1.0f / (1.0f - rate);
  return stream;
}

TEST(Dropout, IsTheSameOnEveryInstructionSet) {
  for (int64_t count : {1, 7, 255, 256, 257, 1000}) {
    const std::vector<float> x(static_cast<size_t>(count), 3.0f);
    std::vector<uint8_t> first;
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
      if (!isa_supported(isa)) continue;
      std::vector<float> y(x.size());
      std::vector<uint8_t> kept(x.size());
      kernels_for(isa).dropout(stream(7, hash_name("dropout/a"), 5, 0.4f), x.data(), count,
                               y.data(), kept.data());
      for (size_t i = 0; i < y.size(); ++i) {
        ASSERT_EQ(y[i], kept[i] != 0 ? 3.0f * (1.0f / 0.6f) : 0.0f) << isa_name(isa);
      }
      if (first.empty()) first = kept;
      EXPECT_EQ(kept, first) << isa_name(isa);
    }
  }
}

// The decisions are the words of core's generator: the low half of its first word decides element
// 0, the high half element 32 (32 counters are computed side by side).
TEST(Dropout, FollowsTheNamedStream) {
  const uint64_t seed = 0x123456789abcdefull, name = hash_name("dropout/x"), index = 77;
  const std::vector<float> x(256, 1.0f);
  std::vector<float> y(256);
  std::vector<uint8_t> kept(256);
  const DropoutStream source = stream(seed, name, index, 0.5f);
  kernels_for(Isa::kScalar).dropout(source, x.data(), 256, y.data(), kept.data());
  Random random(seed, name, index);
  for (size_t counter = 0; counter < 32; ++counter) {
    for (size_t word = 0; word < 4; ++word) {
      const uint32_t bits = random.bits();
      EXPECT_EQ(kept[word * 64 + counter], (bits & 0xFFFF) >= source.threshold);
      EXPECT_EQ(kept[word * 64 + 32 + counter], (bits >> 16) >= source.threshold);
    }
  }
}

TEST(Dropout, KeepsItsShare) {
  for (const float rate : {0.0f, 0.2f, 0.5f, 0.9f}) {
    const std::vector<float> x(100000, 1.0f);
    std::vector<float> y(x.size());
    std::vector<uint8_t> kept(x.size());
    kernels_for(Isa::kScalar)
        .dropout(stream(1, 2, 3, rate), x.data(), 100000, y.data(), kept.data());
    int kept_count = 0;
    for (uint8_t keep : kept) kept_count += keep;
    const double share = kept_count / 100000.0;
    // Five standard deviations of a binomial share.
    const double p = std::lround(rate * 65536.0f) / 65536.0;
    EXPECT_NEAR(share, 1.0 - p, 5 * std::sqrt(p * (1 - p) / 100000.0));
  }
}

TEST(Dropout, RateFallsWithTheDensityOfTheReader) {
  GraphBuilder g("dropout", {16}, 1);
  auto x = g.add(Dropout{0.4f}, {g.input()}, "dropout");
  x = g.add(FullyConnected{4, Activation::kNone}, {x}, "fc");
  Graph graph = std::move(g).finish(x).value();
  EXPECT_EQ(dropout_rate(0.4f, {1}, ParameterStore(graph)), 0.4f);
  Parameter& weight = *graph.nodes[1].parameter("weight");
  weight.mask.assign(weight.value.size(), 1);
  EXPECT_EQ(dropout_rate(0.4f, {1}, ParameterStore(graph)), 0.4f);
  for (size_t i = 16; i < 64; ++i) weight.mask[i] = 0;
  apply_mask(weight);
  EXPECT_FLOAT_EQ(dropout_rate(0.4f, {1}, ParameterStore(graph)), 0.2f);
}

}  // namespace
}  // namespace coppice::train
