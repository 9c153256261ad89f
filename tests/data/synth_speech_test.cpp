#include "coppice/data/synth_speech.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "coppice/core/file.h"
#include "coppice/core/process.h"
#include "coppice/data/dataset.h"
#include "data/synth_effects.h"
#include "data/synth_plan.h"
#include "data/temp_folder.h"

namespace coppice::data {
namespace {

namespace fs = std::filesystem;
using coppice::testing::TempFolder;

// clang-format off
#define COPPICE_REQUIRE_SPEECH_PROGRAMS()                                \
  if (!program_exists("espeak-ng") || !program_exists("flite"))          \
    GTEST_SKIP() << "espeak-ng and flite are not both installed"
// clang-format on

SynthSpeechConfig small_config(const fs::path& path, int jobs) {
  SynthSpeechConfig config;
  config.path = path;
  config.seed = 5;
  config.keywords = {"yes", "stop"};
  config.other_words = {"bird", "yes"};
  config.clips = 12;
  config.jobs = jobs;
  return config;
}

std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto name = entry.path().lexically_relative(folder).string();
    files[name] = entry.is_directory() ? "" : *read_file(entry.path());
  }
  return files;
}

TEST(SynthSpeech, SameBytesForAnyJobsAndAfterAnInterruption) {
  COPPICE_REQUIRE_SPEECH_PROGRAMS();
  TempFolder folder;
  const auto one = synth_speech(small_config(folder / "one", 1));
  const auto two = synth_speech(small_config(folder / "two", 2));
  ASSERT_TRUE(one.ok()) << one.error().message;
  ASSERT_TRUE(two.ok()) << two.error().message;
  EXPECT_EQ(one->made, 12);
  EXPECT_EQ(one->clips[0] + one->clips[1] + one->clips[2], 12);
  const auto files = contents(folder / "one");
  EXPECT_EQ(files, contents(folder / "two"));
  int clips = 0;
  for (const auto& [name, bytes] : files) {
    if (!name.ends_with(".wav") || name.starts_with("_background_noise_/")) continue;
    EXPECT_EQ(bytes.size(), 44u + 32000u) << name;
    ++clips;
  }
  EXPECT_EQ(clips, 12);
  EXPECT_EQ(files.count(".unfinished"), 0u);

  // A finished corpus is left alone; one that lost files is completed.
  const auto again = synth_speech(small_config(folder / "two", 2));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->made, 0);
  const auto plan = plan_synth_speech(small_config("", 1));
  fs::remove(folder.path() / "two" / (*plan)->clips[3].file);
  fs::resize_file(folder.path() / "two" / (*plan)->clips[7].file, 1000);
  const auto completed = synth_speech(small_config(folder / "two", 2));
  ASSERT_TRUE(completed.ok());
  EXPECT_EQ(completed->made, 2);
  EXPECT_EQ(completed->kept, 10);
  EXPECT_EQ(files, contents(folder / "two"));

  auto other = small_config(folder / "two", 2);
  other.seed = 6;
  const auto refused = synth_speech(other);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("seed 5, asked for is 6"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(files, contents(folder / "two"));
}

TEST(SynthSpeech, TheLoaderReadsIt) {
  COPPICE_REQUIRE_SPEECH_PROGRAMS();
  TempFolder folder;
  auto synth = small_config(folder / "corpus", 2);
  synth.clips = 30;
  ASSERT_TRUE(synth_speech(synth).ok());
  DatasetConfig config;
  config.path = synth.path;
  config.keywords = synth.keywords;
  config.unknown = config.silence = true;
  const auto dataset = open_dataset(config);
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ((*dataset)->class_names(),
            (std::vector<std::string>{"yes", "stop", "unknown", "silence"}));
  EXPECT_GT((*dataset)->size(Split::kTrain), 12);
  EXPECT_GT((*dataset)->size(Split::kTest), 4);
}

TEST(SynthSpeech, AForeignFolderIsRefused) {
  TempFolder folder;
  folder.write("notes.txt", "mine");
  const auto refused = synth_speech(small_config(folder.path(), 1));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("not empty"), std::string::npos);
  folder.write("corpus.json", "{ broken");
  EXPECT_FALSE(synth_speech(small_config(folder.path(), 1)).ok());
  EXPECT_FALSE(synth_speech(small_config(folder / "notes.txt", 1)).ok());
  EXPECT_EQ(contents(folder.path()).size(), 2u);
}

TEST(SynthPlan, CountsAndDisjointVoices) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SynthSpeechConfig config;
    config.seed = seed;
    config.clips = 1000 + 7 * static_cast<int>(seed);
    const auto plan = plan_synth_speech(config);
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ((*plan)->clips.size(), static_cast<size_t>(config.clips));
    std::map<std::string, std::set<Split>> splits_of_voice;
    std::map<std::string, int> clips_of_word;
    std::map<Split, int> clips_of_split;
    std::set<std::string> files;
    for (const auto& clip : (*plan)->clips) {
      const auto name = clip.file.substr(clip.file.find('/') + 1);
      splits_of_voice[name.substr(0, name.find("_nohash_"))].insert(clip.split);
      ++clips_of_word[clip.word];
      ++clips_of_split[clip.split];
      EXPECT_TRUE(files.insert(clip.file).second) << clip.file;
    }
    for (const auto& [voice, splits] : splits_of_voice) EXPECT_EQ(splits.size(), 1u) << voice;
    EXPECT_EQ(clips_of_word.size(), 20u);
    EXPECT_NEAR(clips_of_word["yes"], config.clips * 4 / 50, 1);
    EXPECT_NEAR(clips_of_word["bird"], config.clips / 50, 1);
    EXPECT_NEAR(clips_of_split[Split::kTest], config.clips * 0.25, 0.03 * config.clips);
    for (const auto& voices : (*plan)->voices) EXPECT_GE(voices.size(), 8u);
  }
}

TEST(SynthPlan, MistakesAreNamed) {
  const auto expect = [](const SynthSpeechConfig& config, const char* part) {
    const auto plan = plan_synth_speech(config);
    ASSERT_FALSE(plan.ok());
    EXPECT_EQ(plan.error().code, ErrorCode::kConfig);
    EXPECT_NE(plan.error().message.find(part), std::string::npos) << plan.error().message;
  };
  SynthSpeechConfig config;
  config.keywords = {"yes", "../../etc"};
  expect(config, "../../etc");
  config.keywords = {"-f"};
  expect(config, "-f");
  config.keywords = {"yes", "yes"};
  expect(config, "twice");
  config.keywords = {};
  expect(config, "no keywords");
  config = {};
  config.clips = 37;  // 20 words: 50 shares, three clips a keyword of four shares.
  expect(config, "38");
}

TEST(SynthEffects, NoiseHasItsSpectrum) {
  // The energy of the first difference tells the slope: white 2, pink and brown less.
  const auto roughness = [](const char* kind) {
    Random random(3, "test");
    auto noise = make_noise(kind, 32000, random);
    EXPECT_NEAR(rms(noise), 1.0f, 1e-3f);
    for (size_t i = noise.size() - 1; i > 0; --i) noise[i] -= noise[i - 1];
    const float level = rms(noise);
    return level * level;
  };
  EXPECT_NEAR(roughness("white"), 2.0f, 0.05f);
  const float pink = roughness("pink"), brown = roughness("brown");
  EXPECT_LT(pink, 1.0f);
  EXPECT_LT(brown, 0.05f);
  EXPECT_GT(pink, brown);
}

TEST(SynthEffects, ReverberationAddsTheAskedEnergy) {
  Random random(4, "test");
  std::vector<float> sound(16000, 0.0f);
  sound[100] = 1.0f;
  reverberate(sound, 0.4f, 0.3f, random);
  EXPECT_EQ(sound[99], 0.0f);
  EXPECT_EQ(sound[100], 1.0f);
  double tail = 0, late = 0;
  for (size_t i = 101; i < sound.size(); ++i) tail += sound[i] * sound[i];
  for (size_t i = 100 + 3200; i < sound.size(); ++i) late += sound[i] * sound[i];
  EXPECT_NEAR(tail, 0.3, 1e-4);
  EXPECT_LT(late, tail * 2e-3);  // Half of the decay time: 30 dB down.
}

}  // namespace
}  // namespace coppice::data
