#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coppice/core/process.h"
#include "coppice/deploy/generate.h"
#include "coppice/io/model_file.h"
#include "deploy/quantized_model.h"

namespace coppice::deploy {
namespace {

const char* const kCommand = COPPICE_BINARY_DIR "/coppice";

ProcessOutput run(std::vector<std::string> arguments) {
  auto result = run_process(arguments);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? *result : ProcessOutput{};
}

TEST(BenchCommand, MissingToolchainIsNamed) {
  const auto result = run({"env", "PATH=/nonexistent", kCommand, "bench", "tiny_conv"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.errors.find("gcc-arm-none-eabi"), std::string::npos) << result.errors;
  EXPECT_EQ(result.output, "");
}

TEST(BenchCommand, WrongArgumentsAreUsageErrors) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"bench"},
           {"bench", "tiny_conv", "--target", "cortex-m99"},
           {"bench", "tiny_conv", "--bits", "7"},
           {"bench", "tiny_conf", "--bits", "8"},
           {"bench", "tiny_conv", "--bits", "8", "--target", "host", "--executor", "denze"},
           {"deploy", "m.safetensors"}}) {
    std::vector<std::string> command = {kCommand};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const auto result = run(command);
    EXPECT_EQ(result.exit_code, 2) << arguments.back() << ": " << result.errors;
    EXPECT_NE(result.errors, "");
  }
}

TEST(SlowBenchCommand, PrintsTheSameJsonTwice) {
  COPPICE_REQUIRE_TOOLCHAIN();
  const std::vector<std::string> command = {kCommand, "bench",    "tiny_conv", "--bits",
                                            "8",      "--target", "cortex-m4", "--json"};
  const auto first = run(command);
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_EQ(run(command).output, first.output);
  const auto json = nlohmann::ordered_json::parse(first.output);
  std::vector<std::string> keys;
  for (const auto& item : json.items()) keys.push_back(item.key());
  EXPECT_EQ(keys, (std::vector<std::string>{"target", "instructions", "flash_bytes",
                                            "ram_peak_bytes", "outputs_equal_host", "layers"}));
  EXPECT_EQ(json["target"], "cortex-m4");
  EXPECT_TRUE(json["outputs_equal_host"].get<bool>());
  ASSERT_EQ(json["layers"].size(), 3u);
  EXPECT_EQ(json["layers"][0]["macs"], 320000);
  for (const char* key : {"name", "kernel", "macs", "instructions"}) {
    EXPECT_TRUE(json["layers"][0].contains(key)) << key;
  }
}

TEST(SlowBenchCommand, DeploysAModelFileThatBuildsAndPasses) {
  COPPICE_REQUIRE_TOOLCHAIN();
  const testing::TestFolder folder;
  COPPICE_ASSERT_OK(const Graph graph, testing::quantized_zoo_model("tiny_conv"));
  const std::string model = (folder.path() / "model.safetensors").string();
  const std::string out = (folder.path() / "with space" / "firmware").string();
  ASSERT_TRUE(io::save_model(graph, model).ok());
  const auto deployed = run({kCommand, "deploy", model, "--target", "cortex-m4", "-o", out});
  ASSERT_EQ(deployed.exit_code, 0) << deployed.errors;
  const auto built = run({out + "/build.sh"});
  ASSERT_EQ(built.exit_code, 0) << built.errors;
  const auto tested = run({out + "/run.sh"});
  EXPECT_EQ(tested.exit_code, 0) << tested.errors;
  EXPECT_NE((tested.output + tested.errors).find("pass"), std::string::npos);
}

}  // namespace
}  // namespace coppice::deploy
