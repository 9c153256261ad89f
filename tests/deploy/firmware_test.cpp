#include <gtest/gtest.h>

#include "coppice/core/file.h"
#include "coppice/deploy/generate.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/planner.h"
#include "deploy/guest.h"
#include "deploy/quantized_model.h"
#include "random_graph.h"

namespace coppice::deploy {
namespace {

using testing::quantized_zoo_model;
using testing::TestFolder;

Measurement measure_or_fail(const Graph& graph, const std::filesystem::path& folder,
                            const Target& target = targets()[0]) {
  auto result = measure(graph, target, folder);
  EXPECT_TRUE(result.ok()) << graph.name << ": " << (result.ok() ? "" : result.error().message);
  return result.ok() ? *result : Measurement{};
}

void replace_in_file(const std::filesystem::path& path, const std::string& from,
                     const std::string& to) {
  std::string text = *read_file(path);
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << path << " lacks " << from;
  ASSERT_TRUE(write_file_atomic(path, text.replace(at, from.size(), to)).ok());
}

// A model that executes a loop of 2 * rounds instructions instead of its layers.
std::string loop_model(int rounds) {
  return "#include \"model.h\"\n"
         "extern \"C\" int coppice_model_invoke(const int8_t*, int8_t*) {\n"
         "  unsigned n = " +
         std::to_string(rounds) +
         ";\n"
         "  __asm__ volatile(\".balign 4\\n1: subs %0, #1\\n bne 1b\" : \"+l\"(n) : : \"cc\");\n"
         "  return 0;\n}\n";
}

TEST(SlowFirmware, CountsAKnownLoopOnEachTarget) {
  COPPICE_REQUIRE_TOOLCHAIN();
  COPPICE_ASSERT_OK(const Graph graph, quantized_zoo_model("tiny_conv"));
  for (const auto& target : targets()) {
    const TestFolder folder;
    ASSERT_TRUE(generate(graph, target, folder.path()).ok());
    int64_t overhead = 0;
    for (int rounds : {1, 1000, 123457, 20000000}) {
      ASSERT_TRUE(write_file_atomic(folder.path() / "model.cpp", loop_model(rounds)).ok());
      const auto built = build_firmware(folder.path(), false);
      ASSERT_TRUE(built.ok()) << built.error().message;
      COPPICE_ASSERT_OK(const GuestReport report, run_firmware(folder.path(), false));
      const int64_t counted = report.runs[0].instructions - 2 * int64_t{rounds};
      if (rounds == 1) overhead = counted;
      EXPECT_NEAR(counted, overhead, 1) << target.name << ", rounds " << rounds;
      EXPECT_FALSE(report.passed);  // A loop computes no outputs.
    }
    EXPECT_GE(overhead, 2);  // The call itself.
    EXPECT_LE(overhead, 16);
  }
}

class SlowFirmwareArch : public ::testing::TestWithParam<const char*> {};

TEST_P(SlowFirmwareArch, EqualsTheHostAndCountsTheSameTwice) {
  COPPICE_REQUIRE_TOOLCHAIN();
  const TestFolder folder;
  COPPICE_ASSERT_OK(const Graph graph, quantized_zoo_model(GetParam()));
  const Measurement first = measure_or_fail(graph, folder.path() / "first");
  const Measurement second = measure_or_fail(graph, folder.path() / "second");
  EXPECT_TRUE(first.outputs_equal_host) << first.difference;
  EXPECT_TRUE(second.outputs_equal_host) << second.difference;
  EXPECT_EQ(first.instructions, second.instructions);
  EXPECT_EQ(first.flash_bytes, second.flash_bytes);
  EXPECT_EQ(first.ram_peak_bytes, second.ram_peak_bytes);

  const Cost cost = measure_cost(graph);
  EXPECT_GT(first.flash_bytes, cost.flash_bytes);
  EXPECT_LT(first.flash_bytes, cost.flash_bytes + 32 * 1024);
  EXPECT_GT(first.ram_peak_bytes, plan_memory(graph).arena_bytes);
  EXPECT_LT(first.ram_peak_bytes, plan_memory(graph).arena_bytes + 2048);
  int64_t instructions = 0, macs = 0;
  ASSERT_EQ(first.layers.size(), second.layers.size());
  for (size_t i = 0; i < first.layers.size(); ++i) {
    EXPECT_EQ(first.layers[i].instructions, second.layers[i].instructions);
    EXPECT_GT(first.layers[i].instructions, first.layers[i].macs);
    instructions += first.layers[i].instructions;
    macs += first.layers[i].macs;
  }
  EXPECT_EQ(macs, cost.macs_dense);
  // Beside the layers only the copies of input and output and the calls are executed.
  EXPECT_NEAR(static_cast<double>(instructions), static_cast<double>(first.instructions),
              500.0 + 2.0 * static_cast<double>(graph.input_shape().elements()));
}

INSTANTIATE_TEST_SUITE_P(Zoo, SlowFirmwareArch,
                         ::testing::Values("tiny_conv", "ds_cnn", "resnet8"));

TEST(SlowFirmware, EqualsTheHostInEachRoundingAndWidth) {
  COPPICE_REQUIRE_TOOLCHAIN();
  for (const auto rounding : {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat}) {
    for (int bits : {8, 4, 2}) {
      const TestFolder folder;
      COPPICE_ASSERT_OK(const Graph graph, quantized_zoo_model("tiny_conv", bits, rounding));
      const Measurement result = measure_or_fail(graph, folder.path(), targets()[1]);
      EXPECT_TRUE(result.outputs_equal_host)
          << rounding_name(rounding) << ", " << bits << " bits: " << result.difference;
    }
  }
}

TEST(SlowFirmware, EqualsTheHostOnRandomGraphs) {
  COPPICE_REQUIRE_TOOLCHAIN();
  const Rounding roundings[] = {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat};
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const TestFolder folder;
    const Graph graph = testing::RandomGraph(seed, {}).build();
    COPPICE_ASSERT_OK(const Graph quantized,
                      testing::quantize_on_random_inputs(graph, 8, roundings[seed % 3]));
    const Measurement result = measure_or_fail(quantized, folder.path());
    EXPECT_TRUE(result.outputs_equal_host) << graph.name << ": " << result.difference;
  }
}

TEST(SlowFirmware, SelfTestSeesAWrongByte) {
  COPPICE_REQUIRE_TOOLCHAIN();
  const TestFolder folder;
  COPPICE_ASSERT_OK(const Graph graph, quantized_zoo_model("tiny_conv"));
  ASSERT_TRUE(generate(graph, targets()[0], folder.path()).ok());
  ASSERT_TRUE(build_firmware(folder.path(), false).ok());
  COPPICE_ASSERT_OK(const GuestReport right, run_firmware(folder.path(), false));
  EXPECT_TRUE(right.passed);

  const auto data = folder.path() / "selftest" / "data.cpp";
  const std::string value = std::to_string(right.runs[0].output[0]);
  const std::string wrong = std::to_string(right.runs[0].output[0] ^ 1);
  replace_in_file(data, "_OUTPUT_BYTES] = {\n{\n    " + value + ",",
                  "_OUTPUT_BYTES] = {\n{\n    " + wrong + ",");
  ASSERT_TRUE(build_firmware(folder.path(), false).ok());
  COPPICE_ASSERT_OK(const GuestReport report, run_firmware(folder.path(), false));
  EXPECT_FALSE(report.passed);
  EXPECT_EQ(report.runs[0].output, right.runs[0].output);
}

TEST(SlowFirmware, NamesACompileErrorAFaultAndAnEndlessLoop) {
  COPPICE_REQUIRE_TOOLCHAIN();
  const TestFolder folder;
  COPPICE_ASSERT_OK(const Graph graph, quantized_zoo_model("tiny_conv"));
  ASSERT_TRUE(generate(graph, targets()[0], folder.path()).ok());
  const auto model = folder.path() / "model.cpp";
  ASSERT_TRUE(write_file_atomic(model, "#error this does not compile\n").ok());
  const auto build = build_firmware(folder.path(), false);
  ASSERT_FALSE(build.ok());
  EXPECT_NE(build.error().message.find("this does not compile"), std::string::npos);

  const std::string begin =
      "#include \"model.h\"\nextern \"C\" int coppice_model_invoke(const int8_t*, int8_t*) {\n";
  const auto run = [&](const std::string& body) {
    EXPECT_TRUE(write_file_atomic(model, begin + body + "}\n").ok());
    const auto built = build_firmware(folder.path(), false);
    EXPECT_TRUE(built.ok()) << (built.ok() ? "" : built.error().message);
    const auto report = run_firmware(folder.path(), false, 2);
    return report.ok() ? std::string("no error") : report.error().message;
  };
  EXPECT_NE(run("*reinterpret_cast<volatile int*>(0xF0000000) = 1; return 0;").find("faulted"),
            std::string::npos);
  EXPECT_NE(run("for (;;) __asm__ volatile(\"\");").find("did not end within 2 s"),
            std::string::npos);
  EXPECT_NE(run("volatile char deep[40000]; deep[0] = 1; deep[39999] = 2; return deep[0] - 1;")
                .find("stack"),
            std::string::npos);
  EXPECT_NE(run("return -1;").find("refused"), std::string::npos);
}

}  // namespace
}  // namespace coppice::deploy
