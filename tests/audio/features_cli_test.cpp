#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "coppice/core/file.h"
#include "coppice/core/process.h"
#include "coppice/data/front_end.h"
#include "coppice/io/audio_file.h"
#include "naive.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

class FeaturesVerb : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kTool)) GTEST_SKIP() << kTool << " is not built";
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("coppice_features_" + std::to_string(::getpid()) + "_" + test->name());
    samples_ = io::to_pcm16(testing::synthetic_clip(1));
    ASSERT_TRUE(io::write_wav(path("clip.wav"), samples_, 16000).ok());
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static ProcessOutput run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {kTool, "features"});
    auto result = run_process(arguments);
    EXPECT_TRUE(result.ok());
    return *result;
  }

  inline static const std::string kTool = std::string(COPPICE_BINARY_DIR) + "/coppice";
  fs::path folder_;
  std::vector<int16_t> samples_;
};

TEST_F(FeaturesVerb, CsvHoldsTheFrontEndsNumbers) {
  auto clip = io::read_wav(path("clip.wav"));
  ASSERT_TRUE(clip.ok());
  for (const std::string type : {"mfcc", "log_mel", "micro"}) {
    const auto front_end = data::make_front_end({.type = type});
    const Shape shape = (*front_end)->shape();
    std::vector<float> features(static_cast<size_t>(shape.elements()));
    (*front_end)->compute(clip->samples, features);
    const auto result = run({path("clip.wav"), "--csv", "-", "--features", type});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_EQ(result.errors, "");
    std::istringstream lines(result.output);
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(line.rfind("time_s,", 0), 0u) << line;
    // log_mel holds a row of times for each band; a line of the file is a moment in either case.
    const bool frequency_first = type == "log_mel";
    const int frames = frequency_first ? shape[1] : shape[0];
    const int width = frequency_first ? shape[0] : shape[1];
    for (int t = 0; t < frames; ++t) {
      ASSERT_TRUE(std::getline(lines, line)) << type << " ends at frame " << t;
      EXPECT_EQ(std::count(line.begin(), line.end(), ','), width);
      std::istringstream cells(line);
      std::string cell;
      std::getline(cells, cell, ',');
      for (int i = 0; i < width && std::getline(cells, cell, ','); ++i) {
        const int at = frequency_first ? i * frames + t : t * width + i;
        EXPECT_EQ(std::stof(cell), features[static_cast<size_t>(at)]) << type << t << "," << i;
      }
    }
    EXPECT_FALSE(std::getline(lines, line));
  }
}

TEST_F(FeaturesVerb, DrawsInThreeFormats) {
  if (!program_exists("gnuplot")) GTEST_SKIP() << "gnuplot is not installed";
  const std::pair<const char*, std::string> magic[] = {
      {".png", "\x89PNG"}, {".svg", "<?xml"}, {".pdf", "%PDF"}};
  for (const auto& [extension, start] : magic) {
    // A folder that is not there yet, and a name that gnuplot could take for syntax.
    const std::string file = path(std::string("new/it's a_figure") + extension);
    const auto result = run({path("clip.wav"), "-o", file});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    const auto bytes = read_file(file);
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(bytes->compare(0, start.size(), start), 0) << extension;
    EXPECT_GT(bytes->size(), 20000u) << "an empty sheet";
  }
}

TEST_F(FeaturesVerb, DrawsSilenceAndTheShortestClip) {
  if (!program_exists("gnuplot")) GTEST_SKIP() << "gnuplot is not installed";
  for (size_t length : {1u, 16000u}) {
    ASSERT_TRUE(io::write_wav(path("zero.wav"), std::vector<int16_t>(length), 16000).ok());
    const auto result = run({path("zero.wav"), "-o", path("zero.png")});
    EXPECT_EQ(result.exit_code, 0) << length << ": " << result.errors;
  }
}

TEST_F(FeaturesVerb, SaysWhatItConverted) {
  ASSERT_TRUE(io::write_wav(path("phone.wav"), samples_, 8000).ok());
  const auto result = run({path("phone.wav"), "--csv", path("phone.csv")});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "");
  EXPECT_NE(result.errors.find("resampled from 8000 Hz to 16000 Hz"), std::string::npos);
  EXPECT_NE(result.errors.find("2.000 s cut to 1.000 s"), std::string::npos);
}

TEST_F(FeaturesVerb, ExitCodesTellUsageFromFailure) {
  EXPECT_EQ(run({}).exit_code, 2);
  EXPECT_EQ(run({path("clip.wav")}).exit_code, 2);
  EXPECT_EQ(run({path("clip.wav"), "-o", path("figure.jpg")}).exit_code, 2);
  EXPECT_EQ(run({path("clip.wav"), "--csv", "-", "--features", "mel"}).exit_code, 2);
  const auto missing = run({path("none.wav"), "--csv", "-"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.errors.find("none.wav: no such file"), std::string::npos);
  EXPECT_EQ(run({"--help"}).exit_code, 0);
}

}  // namespace
}  // namespace coppice
