#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "coppice/audio/log_mel.h"
#include "coppice/audio/mfcc.h"
#include "coppice/audio/micro.h"
#include "coppice/core/file.h"
#include "coppice/deploy/generate.h"
#include "deploy/embedded.h"
#include "deploy/golden.h"
#include "deploy/guest.h"
#include "deploy/quantized_model.h"

// The audio front ends on the chip: the harness of the firmware, with a front end in the place of
// the model.

namespace coppice::deploy {
namespace {

using testing::TestFolder;

constexpr size_t kSamples = 16000;

// One second of a rising tone, a click and noise.
std::vector<int16_t> test_clip() {
  Random random(3, "clip");
  std::vector<int16_t> clip(kSamples);
  int32_t phase = 0;
  for (size_t i = 0; i < kSamples; ++i) {
    phase += 500 + static_cast<int32_t>(i) / 2;
    const int32_t triangle = std::abs((phase & 0xffff) - 0x8000) - 0x4000;
    const auto noise = static_cast<int32_t>(random.below(2000)) - 1000;
    clip[i] = static_cast<int16_t>(triangle / 2 + noise + (i == 9000 ? 15000 : 0));
  }
  return clip;
}

template <class T>
std::vector<int8_t> bytes_of(const std::vector<T>& values) {
  std::vector<int8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <class FrontEnd>
std::vector<int8_t> host_float_features(const std::vector<int16_t>& clip) {
  std::vector<float> samples(clip.size()), features(FrontEnd::kFeatures);
  for (size_t i = 0; i < clip.size(); ++i) samples[i] = static_cast<float>(clip[i]) / 32768.0f;
  const auto workspace = std::make_unique<typename FrontEnd::Workspace>();
  FrontEnd::compute(std::span<const float, kSamples>(samples.data(), kSamples),
                    std::span<float, FrontEnd::kFeatures>(features.data(), FrontEnd::kFeatures),
                    *workspace);
  return bytes_of(features);
}

std::vector<int8_t> host_micro_features(const std::vector<int16_t>& clip) {
  std::vector<uint16_t> features(audio::Micro::kFeatures);
  const auto workspace = std::make_unique<audio::Micro::Workspace>();
  audio::Micro::compute(
      std::span<const int16_t, kSamples>(clip.data(), kSamples), true,
      std::span<uint16_t, audio::Micro::kFeatures>(features.data(), audio::Micro::kFeatures),
      *workspace);
  return bytes_of(features);
}

struct FrontEndCase {
  const char* name;
  const char* header;
  std::vector<int8_t> (*host)(const std::vector<int16_t>& clip);
  const char* body;  // Of coppice_model_invoke(): reads clip[], writes features[].
};

constexpr const char* kFloatBody =
    "  static float samples[16000];\n"
    "  for (int i = 0; i < 16000; ++i) samples[i] = static_cast<float>(clip[i]) / 32768.0f;\n"
    "  static float features[FrontEnd::kFeatures];\n"
    "  FrontEnd::compute(samples, features, workspace);\n";

const FrontEndCase kCases[] = {
    {"Mfcc", "coppice/audio/mfcc.h", host_float_features<audio::Mfcc>, kFloatBody},
    {"LogMel", "coppice/audio/log_mel.h", host_float_features<audio::LogMel>, kFloatBody},
    {"Micro", "coppice/audio/micro.h", host_micro_features,
     "  static uint16_t features[FrontEnd::kFeatures];\n"
     "  FrontEnd::compute(clip, true, features, workspace);\n"},
};

Status write_front_end(const FrontEndCase& front_end, const Golden& golden,
                       const std::filesystem::path& folder) {
  COPPICE_TRY(const auto headers, header_closure({front_end.header}));
  for (const auto& header : headers) {
    COPPICE_TRY(const auto text, embedded_text("include/" + header));
    COPPICE_TRY_STATUS(write_file_atomic(folder / header, text));
  }
  COPPICE_TRY_STATUS(write_file_atomic(
      folder / "model.h",
      "#pragma once\n#include <stdint.h>\nenum { COPPICE_MODEL_INPUT_BYTES = 32000, "
      "COPPICE_MODEL_OUTPUT_BYTES = " +
          std::to_string(golden.outputs[0].size()) +
          " };\n"
          "extern \"C\" int coppice_model_invoke(const int8_t* input, int8_t* output);\n"));
  COPPICE_TRY_STATUS(write_file_atomic(
      folder / "model.cpp",
      "#include \"model.h\"\n#include <string.h>\n#include \"" + std::string(front_end.header) +
          "\"\nusing FrontEnd = coppice::audio::" + front_end.name +
          ";\n"
          "static FrontEnd::Workspace workspace;\nstatic int16_t clip[16000];\n"
          "extern \"C\" int coppice_model_invoke(const int8_t* input, int8_t* output) {\n"
          "  memcpy(clip, input, sizeof clip);\n" +
          front_end.body + "  memcpy(output, features, sizeof features);\n  return 0;\n}\n"));
  return write_file_atomic(folder / "selftest" / "data.cpp", golden_source(golden));
}

class SlowFirmwareFrontEnd : public ::testing::TestWithParam<FrontEndCase> {};

TEST_P(SlowFirmwareFrontEnd, EqualsTheHostBitForBit) {
  COPPICE_REQUIRE_TOOLCHAIN();
  const TestFolder folder;
  COPPICE_ASSERT_OK(const Graph graph, testing::quantized_zoo_model("tiny_conv"));
  ASSERT_TRUE(generate(graph, targets()[0], folder.path()).ok());
  const auto clip = test_clip();
  const Golden golden{{bytes_of(clip)}, {GetParam().host(clip)}};
  ASSERT_TRUE(write_front_end(GetParam(), golden, folder.path()).ok());
  const auto built = build_firmware(folder.path(), false);
  ASSERT_TRUE(built.ok()) << built.error().message;
  COPPICE_ASSERT_OK(const GuestReport report, run_firmware(folder.path(), false));
  ASSERT_EQ(report.runs.size(), 1u);
  EXPECT_TRUE(report.passed);
  EXPECT_EQ(report.runs[0].output, golden.outputs[0]);
  RecordProperty("instructions", std::to_string(report.runs[0].instructions));
}

INSTANTIATE_TEST_SUITE_P(Audio, SlowFirmwareFrontEnd, ::testing::ValuesIn(kCases),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

}  // namespace
}  // namespace coppice::deploy
