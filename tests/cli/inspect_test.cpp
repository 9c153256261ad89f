#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "coppice/core/process.h"
#include "coppice/graph/zoo.h"
#include "coppice/io/model_file.h"
#include "random_graph.h"

namespace coppice {
namespace {

ProcessOutput coppice_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), COPPICE_BINARY_DIR "/coppice");
  auto result = run_process(arguments);
  EXPECT_TRUE(result.ok());
  return std::move(*result);
}

class Inspect : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(COPPICE_BINARY_DIR "/coppice"))
      GTEST_SKIP() << "the command is not built";
    folder_ = std::filesystem::path(::testing::TempDir()) /
              fmt::format("coppice_inspect_{}",
                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }

  std::filesystem::path folder_;
};

TEST_F(Inspect, JsonHoldsTotalsAndTheSameKeysByLayer) {
  const auto run = coppice_command({"inspect", "tiny_conv", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["parameters"]["total"], 16652);
  EXPECT_EQ(json["macs"]["dense"], 336000);
  EXPECT_EQ(json["flash_bytes"], 4 * 16652);
  EXPECT_EQ(json["ram_peak_bytes"], 23840);
  EXPECT_EQ(json["smallest_storage_bytes"], json["flash_bytes"]);
  EXPECT_EQ(json["layers"][0]["smallest_storage"]["format"], "dense");
  int64_t macs = 0;
  for (const auto& layer : json["layers"]) {
    macs += layer["macs"]["effective"].get<int64_t>();
    for (const char* key : {"parameters", "macs", "flash_bytes", "ram_peak_bytes"})
      EXPECT_TRUE(layer.contains(key));
  }
  EXPECT_EQ(macs, json["macs"]["effective"]);
}

TEST_F(Inspect, ModelFilesShowTheirZeros) {
  Graph graph = make_zoo_model("ds_cnn", {49, 10, 1}, 5, 1).value();
  testing::prune_randomly(graph, 0.75f, 1);
  ASSERT_TRUE(io::save_model(graph, path("a.safetensors")).ok());
  const auto run = coppice_command({"inspect", path("a.safetensors"), "--json", "--plan"});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  const double share =
      json["macs"]["effective"].get<double>() / json["macs"]["dense"].get<double>();
  EXPECT_NEAR(share, 0.25, 0.05);
  for (const auto& tensor : json["plan"]) {
    EXPECT_LE(tensor["offset"].get<int64_t>() + tensor["bytes"].get<int64_t>(),
              json["ram_peak_bytes"]);
  }
}

TEST_F(Inspect, LayersFilesAndText) {
  std::ofstream(path("l.json")) << R"({"name": "mine", "input": [8, 8, 1], "layers": [
      {"op": "conv2d", "out_channels": 2, "kernel": 3}, {"op": "relu"}]})";
  const auto run = coppice_command({"inspect", path("l.json"), "--plan"});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  for (const char* part : {"mine", "conv2d+relu", "8x8x1", "6x6x2", "648", "Memory plan"}) {
    EXPECT_NE(run.output.find(part), std::string::npos) << part << "\n" << run.output;
  }
}

TEST_F(Inspect, ExitCodesAndMessages) {
  std::ofstream(path("broken.safetensors")) << "not a model";
  std::ofstream(path("broken.json")) << R"({"input": [8, 8, 1], "layers": [{"op": "conv2"}]})";
  const std::vector<std::tuple<std::vector<std::string>, int, std::string>> cases = {
      {{"inspect", "dscnn"}, 2, "did you mean \"ds_cnn\"?"},
      {{"inspect", path("missing.safetensors")}, 2, "neither a file nor an architecture"},
      {{"inspect", "ds_cnn", "--input", "49x10"},
       2,
       "--input 49x10: expected height x width x channels"},
      {{"inspect", "ds_cnn", "--classes", "1"}, 2, "--classes"},
      {{"inspect", path("broken.json")},
       2,
       "broken.json: /layers/0/op: unknown op \"conv2\"; did you mean \"conv2d\"?"},
      {{"inspect", path("broken.safetensors")}, 1, "broken.safetensors: "},
      {{"inspect", path("broken.json"), "--classes", "4"}, 2, "--input and --classes"},
      {{"inspect"}, 2, "model is required"},
  };
  for (const auto& [arguments, code, message] : cases) {
    const auto run = coppice_command(arguments);
    EXPECT_EQ(run.exit_code, code) << arguments.back() << run.errors;
    EXPECT_NE(run.errors.find(message), std::string::npos) << run.errors;
    EXPECT_EQ(run.output, "");
  }
}

TEST_F(Inspect, OpsListsWhatTheLibraryHas) {
  const auto run = coppice_command({"ops", "--json"});
  ASSERT_EQ(run.exit_code, 0);
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["ops"].size(), std::variant_size_v<Op>);
  EXPECT_EQ(json["archs"].size(), zoo().size());
  const auto text = coppice_command({"ops"}).output;
  for (const auto& [key, list] : json.items()) {
    EXPECT_GE(list.size(), 1u) << key;
    for (const auto& entry : list)
      EXPECT_NE(text.find(entry["name"].get<std::string>()), std::string::npos);
  }
}

}  // namespace
}  // namespace coppice
