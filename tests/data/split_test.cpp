#include "coppice/data/split.h"

#include <gtest/gtest.h>

#include "data/digest.h"

namespace coppice::data {
namespace {

// Test vectors of FIPS 180-2 and RFC 1321.
TEST(Digest, KnownAnswers) {
  EXPECT_EQ(hexadecimal(digest_bytes("sha1", "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hexadecimal(digest_bytes("md5", "abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hexadecimal(digest_bytes("sha256", "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// Percentages of the published rule, computed with Python's hashlib:
// int(sha1(name), 16) % 2**27 * 100 / (2**27 - 1).
TEST(HashSplit, KnownAnswers) {
  EXPECT_EQ(hash_split("bobby_nohash_0.wav"), Split::kTrain);     // 94.2
  EXPECT_EQ(hash_split("0a7c2a8d_nohash_0.wav"), Split::kTrain);  // 56.8
  EXPECT_EQ(hash_split("f428ca69_nohash_0.wav"), Split::kTest);   // 13.933
  EXPECT_EQ(hash_split("s2_nohash_0.wav"), Split::kTest);         // 17.4
  EXPECT_EQ(hash_split("s3_nohash_0.wav"), Split::kValidation);   // 1.16
  EXPECT_EQ(hash_split("alice.wav"), Split::kTrain);              // 49.502
  EXPECT_EQ(hash_split("f428ca69_nohash_0.wav", 13.93f, 10), Split::kTest);
  EXPECT_EQ(hash_split("f428ca69_nohash_0.wav", 13.94f, 10), Split::kValidation);
  EXPECT_EQ(hash_split("alice.wav", 20, 29.5f), Split::kTrain);
  EXPECT_EQ(hash_split("alice.wav", 20, 29.51f), Split::kTest);
}

TEST(HashSplit, KeepsASpeakerTogether) {
  for (int speaker = 0; speaker < 50; ++speaker) {
    const auto name = "speaker" + std::to_string(speaker);
    const Split split = hash_split(name + "_nohash_0.wav");
    EXPECT_EQ(hash_split("yes/" + name + "_nohash_1.wav"), split);
    EXPECT_EQ(hash_split("/data/no/" + name + "_nohash_17.wav"), split);
  }
}

TEST(HashSplit, GivesTheAskedShares) {
  std::array<int, 3> counts{};
  for (int i = 0; i < 20000; ++i) {
    ++counts[static_cast<size_t>(hash_split(std::to_string(i) + "_nohash_0.wav", 15, 5))];
  }
  // Binomial: sigma is at most sqrt(20000 * 0.2 * 0.8) = 57; six of them.
  EXPECT_NEAR(counts[0], 16000, 340);
  EXPECT_NEAR(counts[1], 3000, 340);
  EXPECT_NEAR(counts[2], 1000, 340);
}

TEST(SplitName, RoundTrip) {
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    const auto parsed = parse_split(split_name(split));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, split);
  }
  EXPECT_FALSE(parse_split("training").ok());
}

}  // namespace
}  // namespace coppice::data
