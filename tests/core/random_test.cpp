#include "coppice/core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace coppice {
namespace {

// Known answers of the authors' Random123 distribution (kat_vectors, philox 4x32 10).
TEST(Random, PhiloxKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Random, StreamsAreRepeatableAndDistinct) {
  std::set<uint32_t> first_words;
  for (uint64_t seed : {0, 1}) {
    for (const char* stream : {"init", "shuffle"}) {
      for (uint64_t index : {0, 1}) {
        Random a(seed, stream, index), b(seed, stream, index);
        const uint32_t word = a.bits();
        EXPECT_EQ(word, b.bits());
        first_words.insert(word);
      }
    }
  }
  EXPECT_EQ(first_words.size(), 8u);
}

TEST(Random, NormalHasUnitVariance) {
  Random random(7, "normal");
  double sum = 0, squares = 0;
  const int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
  }
  // Five standard errors of the mean and of the variance.
  EXPECT_NEAR(sum / n, 0.0, 5.0 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1.0, 5.0 * std::sqrt(2.0 / n));
}

TEST(Random, BelowStaysInRangeAndCoversIt) {
  Random random(3, "below");
  std::set<uint32_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const uint32_t value = random.below(7);
    ASSERT_LT(value, 7u);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 7u);
}

TEST(Random, PermutationHoldsEachIndexOnce) {
  Random random(1, "shuffle");
  const auto order = random_permutation(100, random);
  EXPECT_EQ(std::set<int>(order.begin(), order.end()).size(), 100u);
}

}  // namespace
}  // namespace coppice
