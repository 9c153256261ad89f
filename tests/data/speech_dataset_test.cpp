#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "coppice/core/file.h"
#include "coppice/core/thread_pool.h"
#include "coppice/data/dataset.h"
#include "data/clip.h"
#include "data/temp_folder.h"
#include "shared_data.h"

namespace coppice::data {
namespace {

using coppice::testing::TempFolder;

// Four words of ten clips: 0-5 train, 6-7 validation, 8-9 test; background noise.
struct WordFolder : TempFolder {
  WordFolder() {
    std::string validation, test;
    int tone = 0;
    for (const std::string word : {"cat", "no", "tree", "yes"}) {
      for (int i = 0; i < 10; ++i) {
        const auto name = word + "/s" + std::to_string(i) + "_nohash_0.wav";
        write_tone(name, 200 + 37 * ++tone);
        if (i == 6 || i == 7) validation += name + "\n";
        if (i >= 8) test += name + "\r\n";
      }
    }
    write("validation_list.txt", validation);
    write("testing_list.txt", test);
    write_tone("_background_noise_/hum.wav", 50, 100000);
    write("_background_noise_/README.md", "Hum.");
    config.path = path();
    config.keywords = {"yes", "no"};
  }
  DatasetConfig config;
};

std::shared_ptr<const Dataset> open_or_die(const DatasetConfig& config) {
  auto dataset = open_dataset(config);
  EXPECT_TRUE(dataset.ok()) << dataset.error().message;
  return dataset.ok() ? *dataset : nullptr;
}

std::string error_of(const DatasetConfig& config) {
  const auto dataset = open_dataset(config);
  return dataset.ok() ? "" : dataset.error().message;
}

std::map<int, int> counts(const Dataset& data, Split split) {
  std::map<int, int> result;
  for (int i = 0; i < data.size(split); ++i) ++result[data.label(split, i)];
  return result;
}

using Counts = std::map<int, int>;
using Names = std::vector<std::string>;

TEST(SpeechDataset, KeywordsKeepTheirOrder) {
  WordFolder folder;
  const auto data = open_or_die(folder.config);
  EXPECT_EQ(data->class_names(), (Names{"yes", "no"}));
  EXPECT_EQ(counts(*data, Split::kTrain), (Counts{{0, 6}, {1, 6}}));
  EXPECT_EQ(counts(*data, Split::kValidation), (Counts{{0, 2}, {1, 2}}));
  EXPECT_EQ(counts(*data, Split::kTest), (Counts{{0, 2}, {1, 2}}));
  EXPECT_EQ(data->sample_shape(), (Shape{49, 10, 1}));
  folder.config.keywords.clear();
  EXPECT_EQ(open_or_die(folder.config)->class_names(), (Names{"cat", "no", "tree", "yes"}));
}

TEST(SpeechDataset, UnknownAndSilencePercentages) {
  WordFolder folder;
  auto& config = folder.config;
  config.unknown = config.silence = true;
  config.unknown_percentage = 25;  // Of 12, 4 and 4 keyword clips.
  config.silence_percentage = 30;  // Rounded up: 4, 2 and 2.
  const auto data = open_or_die(config);
  EXPECT_EQ(data->class_names(), (Names{"yes", "no", "unknown", "silence"}));
  EXPECT_EQ(counts(*data, Split::kTrain), (Counts{{0, 6}, {1, 6}, {2, 3}, {3, 4}}));
  EXPECT_EQ(counts(*data, Split::kTest), (Counts{{0, 2}, {1, 2}, {2, 1}, {3, 2}}));
  config.unknown_percentage = 1e6f;
  config.silence_percentage = 0;
  EXPECT_EQ(counts(*open_or_die(config), Split::kTrain), (Counts{{0, 6}, {1, 6}, {2, 12}}));
  config.unknown_percentage = 0;
  EXPECT_EQ(counts(*open_or_die(config), Split::kTrain), (Counts{{0, 6}, {1, 6}}));
  config.limit_per_class = 1;
  config.unknown_percentage = config.silence_percentage = 100;
  EXPECT_EQ(counts(*open_or_die(config), Split::kTrain), (Counts{{0, 1}, {1, 1}, {2, 1}, {3, 1}}));
}

TEST(SpeechDataset, TestOnlyAndSilenceFolder) {
  WordFolder folder;
  folder.write_tone("_silence_/a_nohash_0.wav", 20);
  folder.config.test_only = true;
  folder.config.silence = folder.config.unknown = true;
  folder.config.unknown_percentage = 1000;
  const auto data = open_or_die(folder.config);
  EXPECT_EQ(data->size(Split::kTrain) + data->size(Split::kValidation), 0);
  EXPECT_EQ(counts(*data, Split::kTest), (Counts{{0, 10}, {1, 10}, {2, 20}, {3, 1}}));
}

std::vector<float> all_samples(const Dataset& data, Split split, int epoch, int threads) {
  const auto size = static_cast<size_t>(data.sample_shape().elements());
  std::vector<float> x(size * static_cast<size_t>(data.size(split)));
  ThreadPool pool(threads);
  pool.run(data.size(split), [&](int i) {
    data.sample(split, i, epoch, std::span(x).subspan(static_cast<size_t>(i) * size, size));
  });
  return x;
}

TEST(SpeechDataset, AugmentationIsAFunctionOfSeedEpochAndIndex) {
  WordFolder folder;
  folder.config.unknown = folder.config.silence = true;
  const auto one = open_or_die(folder.config), two = open_or_die(folder.config);
  const auto first = all_samples(*one, Split::kTrain, 3, 1);
  EXPECT_EQ(first, all_samples(*two, Split::kTrain, 3, 4));
  EXPECT_EQ(first, all_samples(*one, Split::kTrain, 3, 3));
  EXPECT_NE(first, all_samples(*one, Split::kTrain, 4, 1));
  for (const Split split : {Split::kValidation, Split::kTest}) {
    const auto once = all_samples(*one, split, 0, 4);
    EXPECT_EQ(once, all_samples(*two, split, 9, 1));
    EXPECT_EQ(once, all_samples(*one, split, 5, 4));
  }
  folder.config.seed = 1;
  const auto other = open_or_die(folder.config);
  EXPECT_NE(first, all_samples(*other, Split::kTrain, 3, 1));
  folder.config.augment = false;
  const auto plain = open_or_die(folder.config);
  EXPECT_EQ(all_samples(*other, Split::kTrain, kNotAugmented, 2),
            all_samples(*plain, Split::kTrain, 0, 1));
  EXPECT_EQ(all_samples(*plain, Split::kTrain, 0, 4), all_samples(*plain, Split::kTrain, 1, 1));
}

TEST(SpeechDataset, BrokenClipsAreNamed) {
  const auto good = [] {
    TempFolder folder;
    folder.write_tone("a.wav", 300);
    return *read_file(folder / "a.wav");
  }();
  struct Case {
    const char* name;
    std::string bytes;
    const char* reason;
  };
  WordFolder folder;
  folder.write_tone("rate8k.wav", 300, 8000, 8000);
  const Case cases[] = {
      {"yes/empty_nohash_0.wav", "", "empty"},
      {"yes/truncated_nohash_0.wav", good.substr(0, 9000), "truncated: its header promises 32000"},
      {"yes/text_nohash_0.wav", "no sound, just words, and a few more of them", "not"},
      {"yes/rate_nohash_0.wav", *read_file(folder / "rate8k.wav"), "8000"},
      {"yes/notes.txt", "a note", "not a .wav file"},
  };
  for (const auto& bad : cases) {
    folder.write(bad.name, bad.bytes);
    const auto message = error_of(folder.config);
    EXPECT_NE(message.find(folder / bad.name), std::string::npos) << message;
    EXPECT_NE(message.find(bad.reason), std::string::npos) << message;
    std::filesystem::remove(folder / bad.name);
  }
  for (const auto& bad : cases) folder.write(bad.name, bad.bytes);
  EXPECT_NE(error_of(folder.config), "");
  folder.config.skip_bad = true;
  const auto data = open_or_die(folder.config);
  EXPECT_EQ(data->skipped().size(), std::size(cases));
  EXPECT_EQ(counts(*data, Split::kTrain), (Counts{{0, 6}, {1, 6}}));
  std::set<std::string> named;
  for (const auto& skipped : data->skipped()) {
    named.insert(skipped.path);
    EXPECT_EQ(skipped.reason.find(skipped.path), std::string::npos) << "the path twice";
  }
  for (const auto& bad : cases) EXPECT_EQ(named.count(folder / bad.name), 1u) << bad.name;
}

TEST(SpeechDataset, ResampleTakesOtherRates) {
  WordFolder folder;
  folder.write_tone("yes/rate_nohash_0.wav", 300, 6000, 8000);
  folder.config.resample = true;
  EXPECT_EQ(counts(*open_or_die(folder.config), Split::kTrain), (Counts{{0, 7}, {1, 6}}));
}

TEST(SpeechDataset, MistakesAreNamed) {
  WordFolder folder;
  const auto expect = [](const DatasetConfig& config, const std::string& part) {
    const auto message = error_of(config);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  auto config = folder.config;
  config.keywords = {"yes", "maybe"};
  expect(config, "\"maybe\" has no folder");
  config.keywords = {"yes", "yes"};
  expect(config, "given twice");
  config = folder.config;
  config.path = folder / "nowhere";
  expect(config, "is not there");
  config.path = folder / "testing_list.txt";
  expect(config, "is not a folder");
  config = folder.config;
  config.features = "spectre";
  expect(config, "spectre");
  config = folder.config;
  config.speed_change = -1;
  expect(config, "speed_change");
  config = folder.config;
  config.type = "imagenet";
  expect(config, "imagenet");
  std::filesystem::create_directories(folder / "hollow");
  config = folder.config;
  config.keywords = {"hollow"};
  expect(config, "no clips (*.wav)");
  std::filesystem::create_directories(folder / "nothing/label");
  config = DatasetConfig{};
  config.path = folder / "nothing";
  expect(config, "no clips (*.wav)");
}

TEST(SpeechDataset, ListsMustNameClipsThatAreThere) {
  WordFolder folder;
  std::ofstream(folder / "testing_list.txt", std::ios::app) << "yes/ghost_nohash_0.wav\n";
  const auto message = error_of(folder.config);
  EXPECT_NE(message.find("testing_list.txt:9: names yes/ghost_nohash_0.wav"), std::string::npos)
      << message;
  folder.config.skip_bad = true;
  EXPECT_EQ(open_or_die(folder.config)->skipped().size(), 1u);
  std::ofstream(folder / "testing_list.txt", std::ios::app) << "yes/s6_nohash_0.wav\n";
  EXPECT_NE(error_of(folder.config).find("is in both lists"), std::string::npos);
}

TEST(Clip, FitsToASecond) {
  Pcm brief(6001, 7);
  const auto centred = fit_to_second(brief);
  ASSERT_EQ(centred.size(), 16000u);
  EXPECT_EQ(centred[4998], 0);
  EXPECT_EQ(centred[4999], 7);
  EXPECT_EQ(centred[10999], 7);
  EXPECT_EQ(centred[11000], 0);
  Pcm lengthy(40000, 1);
  for (size_t i = 13000; i < 29000; ++i) lengthy[i] = 100;
  EXPECT_EQ(fit_to_second(lengthy), Pcm(16000, 100));
  EXPECT_EQ(fit_to_second({}), Pcm(16000, 0));
}

TEST(Clip, BackgroundSlicesOfTheSplitsAreDisjoint) {
  Pcm ramp(320000);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<int16_t>(i / 16);
  const BackgroundTrack track(ramp);
  for (uint64_t i = 0; i < 300; ++i) {
    Random random(i, "test");
    const auto train = track.slice(Split::kTrain, random);
    const auto validation = track.slice(Split::kValidation, random);
    const auto test = track.slice(Split::kTest, random);
    for (const auto& slice : {train, validation, test}) ASSERT_EQ(slice.size(), 16000u);
    EXPECT_LT(train.back(), 16000);
    EXPECT_GE(validation.front(), 16000);
    EXPECT_LT(validation.back(), 18000);
    EXPECT_GE(test.front(), 18000);
  }
}

TEST(Clip, AugmentationKnobsOffChangeNothing) {
  DatasetConfig config;
  config.time_shift_ms = config.gain_db = config.spectral_tilt = config.speed_change = 0;
  config.background_probability = 0;
  std::vector<float> clip(16000);
  for (size_t i = 0; i < clip.size(); ++i) clip[i] = static_cast<float>(i % 100) / 128 - 0.4f;
  auto copy = clip;
  Random random(1, "test");
  augment_clip(copy, config, {}, random);
  EXPECT_EQ(copy, clip);
  // A pure shift moves samples and leaves zeros behind.
  config.time_shift_ms = 100;
  augment_clip(copy, config, {}, random);
  int zeros = 0;
  for (const float sample : copy) zeros += sample == 0.0f;
  EXPECT_GT(zeros, 0);
  EXPECT_LE(zeros, 1600);
}

TEST(SpeechDataset, SharedRecordedSets) {
  COPPICE_REQUIRE_SHARED(asc16k, "data/asc16k");
  DatasetConfig config;
  config.path = asc16k;
  config.keywords = {"yes", "no", "up", "down", "left", "right", "stop", "start", "open", "close"};
  config.unknown = true;
  config.unknown_percentage = 100;
  auto data = open_or_die(config);
  EXPECT_EQ(data->name(), "asc16k");
  EXPECT_EQ(data->size(Split::kTrain), 1020);
  EXPECT_EQ(data->size(Split::kValidation), 204);
  EXPECT_EQ(data->size(Split::kTest), 408);
  EXPECT_EQ(counts(*data, Split::kTest)[10], 48);

  COPPICE_REQUIRE_SHARED(fsdd8k, "data/fsdd8k");
  config = DatasetConfig{};
  config.path = fsdd8k;
  config.keywords = {"seven", "two"};
  EXPECT_NE(error_of(config).find("8000"), std::string::npos);
  config.resample = true;
  data = open_or_die(config);
  EXPECT_EQ(data->size(Split::kTrain), 400);
  EXPECT_EQ(data->size(Split::kValidation), 50);
  EXPECT_EQ(data->size(Split::kTest), 50);

  COPPICE_REQUIRE_SHARED(gsc_en, "data/gsc_en");
  config = DatasetConfig{};
  config.path = gsc_en;
  data = open_or_die(config);
  EXPECT_EQ(data->class_names().size(), 30u);
  EXPECT_EQ(data->size(Split::kTrain) + data->size(Split::kValidation) + data->size(Split::kTest),
            330);

  COPPICE_REQUIRE_SHARED(mlperf, "data/mlperf_kws");
  config = DatasetConfig{};
  config.path = mlperf;
  config.keywords = {"down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes"};
  config.unknown = config.silence = config.test_only = true;
  config.unknown_percentage = 1000;
  data = open_or_die(config);
  EXPECT_EQ(data->class_names().size(), 12u);
  EXPECT_EQ(data->size(Split::kTest), 400);
}

}  // namespace
}  // namespace coppice::data
