#include "coppice/io/audio_file.h"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "coppice/audio/maths.h"
#include "coppice/core/file.h"

namespace coppice::io {
namespace {

namespace fs = std::filesystem;

class AudioFile : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("coppice_audio_" + std::to_string(::getpid()) + "_" + test->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path path(const char* name) const { return folder_ / name; }
  std::string written(int samples, int rate = 16000) {
    std::vector<int16_t> ramp(static_cast<size_t>(samples));
    std::iota(ramp.begin(), ramp.end(), int16_t{-5});
    EXPECT_TRUE(write_wav(path("ramp.wav"), ramp, rate).ok());
    return *read_file(path("ramp.wav"));
  }
  fs::path with_bytes(const char* name, const std::string& bytes) {
    EXPECT_TRUE(write_file_atomic(path(name), bytes).ok());
    return path(name);
  }
  // Any format that libsndfile can write.
  fs::path with_floats(const char* name, const std::vector<float>& samples, int channels,
                       int format = SF_FORMAT_WAV | SF_FORMAT_FLOAT) {
    SF_INFO info{};
    info.samplerate = 16000;
    info.channels = channels;
    info.format = format;
    SNDFILE* file = sf_open(path(name).c_str(), SFM_WRITE, &info);
    EXPECT_NE(file, nullptr);
    sf_write_float(file, samples.data(), static_cast<sf_count_t>(samples.size()));
    sf_close(file);
    return path(name);
  }
  static void expect_error(const fs::path& file, ErrorCode code, const std::string& reason,
                           int rate = 0) {
    const auto clip = read_wav(file, rate);
    ASSERT_FALSE(clip.ok());
    EXPECT_EQ(clip.error().code, code) << clip.error().message;
    EXPECT_EQ(clip.error().message, file.string() + ": " + reason);
  }

  fs::path folder_;
};

TEST_F(AudioFile, SixteenBitSamplesAreExact) {
  std::vector<int16_t> all(65536);
  std::iota(all.begin(), all.end(), int16_t{-32768});
  ASSERT_TRUE(write_wav(path("deeper/all.wav"), all, 16000).ok());
  const auto clip = read_wav(path("deeper/all.wav"), 16000);
  ASSERT_TRUE(clip.ok()) << clip.error().message;
  EXPECT_EQ(clip->rate, 16000);
  EXPECT_DOUBLE_EQ(clip->seconds(), 4.096);
  ASSERT_EQ(clip->samples.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(clip->samples[i] * 32768.0f, all[i]);
  EXPECT_EQ(to_pcm16(clip->samples), all);
}

TEST_F(AudioFile, WritingTwiceGivesTheSameBytes) { EXPECT_EQ(written(100), written(100)); }

TEST_F(AudioFile, SamplesOutsideFullScaleAreClipped) {
  const std::vector<float> loud{-2.0f, -1.0f, 1.0f, 1.5f, 0.5f};
  EXPECT_EQ(to_pcm16(loud), (std::vector<int16_t>{-32768, -32768, 32767, 32767, 16384}));
}

TEST_F(AudioFile, MissingFolderAndEmptyAreToldApart) {
  expect_error(path("none.wav"), ErrorCode::kNotFound, "no such file");
  expect_error(folder_, ErrorCode::kInvalidArgument, "is a folder, expected an audio file");
  expect_error(with_bytes("empty.wav", ""), ErrorCode::kCorrupt, "empty file (0 bytes)");
  expect_error(with_bytes("short.wav", written(0)), ErrorCode::kCorrupt, "holds no samples");
}

TEST_F(AudioFile, TruncatedFilesSayWhatIsMissing) {
  const std::string whole = written(1000);
  ASSERT_EQ(whole.size(), 2044u);
  for (size_t kept : {1000u, 1u, 0u}) {
    expect_error(with_bytes("cut.wav", whole.substr(0, 44 + kept)), ErrorCode::kCorrupt,
                 "truncated: its header promises 2000 bytes of samples, " + std::to_string(kept) +
                     " are there");
  }
  for (size_t kept : {12u, 20u, 40u}) {
    expect_error(with_bytes("head.wav", whole.substr(0, kept)), ErrorCode::kCorrupt,
                 "truncated: a WAV header without samples (" + std::to_string(kept) + " bytes)");
  }
}

TEST_F(AudioFile, AStreamOfUnknownLengthIsRead) {
  std::string bytes = written(300);
  // What a program that writes to a pipe leaves in the length of the chunk.
  std::memcpy(&bytes[40], "\x00\xf0\xff\x7f", 4);
  const auto clip = read_wav(with_bytes("stream.wav", bytes));
  ASSERT_TRUE(clip.ok()) << clip.error().message;
  EXPECT_EQ(clip->samples.size(), 300u);
}

TEST_F(AudioFile, WhatIsNotAudioIsRefused) {
  for (const char* text : {"file,class\nyes,1\n", "RIFF", "x"}) {
    const auto clip = read_wav(with_bytes("text.wav", text));
    ASSERT_FALSE(clip.ok());
    EXPECT_EQ(clip.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(clip.error().message.find("text.wav: not a readable audio file ("), std::string::npos)
        << clip.error().message;
  }
}

TEST_F(AudioFile, AnotherRateIsRefusedUnlessAnyWillDo) {
  written(800, 8000);
  expect_error(path("ramp.wav"), ErrorCode::kUnsupported, "sample rate 8000 Hz, expected 16000 Hz",
               16000);
  const auto clip = read_wav(path("ramp.wav"));
  ASSERT_TRUE(clip.ok());
  EXPECT_EQ(clip->rate, 8000);
}

TEST_F(AudioFile, ChannelsAreRefusedOrMixed) {
  const auto stereo = with_floats("stereo.wav", {0.5f, 0.25f, -1.0f, 1.0f, 0.0f, 0.5f}, 2);
  expect_error(stereo, ErrorCode::kUnsupported, "2 channels, expected 1 (mono)");
  const auto mixed = read_wav(stereo, 16000, Channels::kMixDown);
  ASSERT_TRUE(mixed.ok());
  EXPECT_EQ(mixed->samples, (std::vector<float>{0.375f, 0.0f, 0.25f}));
}

TEST_F(AudioFile, SamplesMustBeFinite) {
  expect_error(with_floats("nan.wav", {0.0f, 0.1f, std::nanf(""), 0.2f}, 1), ErrorCode::kCorrupt,
               "sample 2 is not a finite number");
}

TEST_F(AudioFile, OtherFormatsOfLibsndfileAreRead) {
  const std::vector<float> samples(500, 0.25f);
  const auto clip =
      read_wav(with_floats("clip.flac", samples, 1, SF_FORMAT_FLAC | SF_FORMAT_PCM_16), 16000);
  ASSERT_TRUE(clip.ok()) << clip.error().message;
  EXPECT_EQ(clip->samples, samples);
}

TEST_F(AudioFile, WritingWhereOneCannotIsAnError) {
  with_bytes("file", "x");
  const std::vector<int16_t> samples(10);
  const auto status = write_wav(path("file/below.wav"), samples, 16000);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("below.wav: cannot write"), std::string::npos);
}

TEST(Resample, KeepsAToneAndItsLength) {
  for (auto [from, to] : {std::pair{8000, 16000}, {16000, 8000}, {44100, 16000}, {22050, 16000}}) {
    // 500 Hz for a quarter of a second.
    std::vector<float> tone(static_cast<size_t>(from) / 4);
    for (size_t i = 0; i < tone.size(); ++i) {
      tone[i] = static_cast<float>(0.5 * audio::sin_turn(static_cast<int64_t>(500 * i), from));
    }
    const auto result = resample(tone, from, to);
    ASSERT_TRUE(result.ok()) << result.error().message;
    ASSERT_EQ(result->size(), static_cast<size_t>(std::llround(tone.size() * (1.0 * to / from))));
    // Away from the ends, where the filter sees nothing but the tone: better than -80 dB.
    for (size_t i = result->size() / 4; i < result->size() * 3 / 4; ++i) {
      EXPECT_NEAR((*result)[i], 0.5 * audio::sin_turn(static_cast<int64_t>(500 * i), to), 5e-5)
          << i;
    }
  }
}

TEST(Resample, RefusesImpossibleRates) {
  const std::vector<float> samples(10, 0.1f);
  EXPECT_FALSE(resample(samples, 0, 16000).ok());
  EXPECT_FALSE(resample(samples, 16000, -1).ok());
  EXPECT_FALSE(resample(samples, 1, 16000).ok());
  EXPECT_EQ(*resample(samples, 16000, 16000), samples);
}

}  // namespace
}  // namespace coppice::io
