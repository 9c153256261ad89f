#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "coppice/core/file.h"
#include "coppice/core/process.h"
#include "coppice/sweep/journal.h"
#include "sweep/tiny_data.h"

namespace coppice::sweep {
namespace {

/// The command itself, as a user calls it.
class Cli : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    data_ = new testing::TemporaryFolder("cli_data");
    testing::write_tiny_cifar(data_->path(), 200, 50);
  }
  static void TearDownTestSuite() { delete data_; }

  static ProcessOutput call(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(COPPICE_BINARY_DIR) + "/coppice");
    auto result = run_process(arguments);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? *result : ProcessOutput{};
  }

  std::string in(const char* name) const { return (work_.path() / name).string(); }

  std::string write_config(const std::string& text) const {
    std::ofstream(work_.path() / "c.json") << text;
    return in("c.json");
  }

  static testing::TemporaryFolder* data_;
  testing::TemporaryFolder work_{"cli"};
};
testing::TemporaryFolder* Cli::data_ = nullptr;

TEST_F(Cli, TrainPruneFineTuneQuantizeEvaluate) {
  const std::string data = data_->path().string();
  auto result = call({"train", "--arch", "lenet", "--dataset.type", "cifar10", "--dataset.path",
                      data, "--epochs", "2", "--seed", "3", "--out", in("m.safetensors")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.errors.find("epoch 2: loss "), std::string::npos) << result.errors;
  EXPECT_NE(result.output.find("m.safetensors\n"), std::string::npos) << result.output;

  result = call({"prune", in("m.safetensors"), "--sparsity", "0.75", "-o", in("p.safetensors")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.output.find("sparsity 75.00 % requested, 75.00 % achieved"), std::string::npos)
      << result.output;

  result = call({"sensitivity", in("m.safetensors"), "--sparsities", "0.5,0.9", "--samples", "20",
                 "--allocate", "0.6", "--csv", in("s.csv"), "--html", in("s.html")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.output.find("sparsity=0."), std::string::npos) << result.output;
  EXPECT_EQ(read_file(in("s.csv"))->rfind("layer,weights,sparsity,loss\n", 0), 0u);
  EXPECT_NE(read_file(in("s.html"))->find("class=\"heat\""), std::string::npos);
  result = call({"prune", in("m.safetensors"), "--granularity", "channel", "--criterion", "snip",
                 "-o", in("c.safetensors")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;

  // The dataset is known from the file.
  result =
      call({"train", "--file", in("p.safetensors"), "--epochs", "1", "-o", in("f.safetensors")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  result = call(
      {"quantize", in("f.safetensors"), "--calibration_samples", "40", "-o", in("q.safetensors")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;

  result = call({"eval", in("q.safetensors"), "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["samples"], 50);
  EXPECT_EQ(json["split"], "test");
  EXPECT_EQ(json["confusion"].size(), 10u);
  EXPECT_NEAR(json["accuracy"].get<double>(), json["correct"].get<double>() / 50, 1e-12);
  int correct = 0;
  for (size_t i = 0; i < 10; ++i) correct += json["confusion"][i][i].get<int>();
  EXPECT_EQ(json["correct"], correct);
  result = call({"eval", in("q.safetensors"), "--split", "validation"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.output.find("(validation split, integers)"), std::string::npos) << result.output;
}

TEST_F(Cli, TrainTakesAConfig) {
  const auto config = write_config(testing::tiny_config(data_->path(), 1));
  auto result = call({"train", "--config", config, "--set", "model.layers.0.out_channels=4",
                      "--epochs", "2", "--out", in("m.safetensors")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.errors.find("epoch 2: loss "), std::string::npos) << result.errors;
  result = call({"train", "--config", config, "--out", in("m.safetensors")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.errors,
            "model: \"out_channels\" has several values [4,6]; choose one with a flag or --set\n");
}

TEST_F(Cli, UsageErrorsExitWithTwo) {
  const std::string out = in("x.safetensors");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"train", "--arch", "lenett", "--out", out},
       "--arch: \"lenett\" is not one of tiny_conv, cnn_one_fstride4, ds_cnn, resnet8, lenet, "
       "lenet5, alexnet, vww, autoencoder; "
       "did you mean \"lenet\"?\n"},
      {{"train", "--out", out}, "give one of --arch, --file or --config\n"},
      {{"train", "--arch", "lenet", "--out", out},
       "no folder of the data is known: give --dataset.path\n"},
      {{"prune", "none.safetensors", "--sparsity", "1.5", "-o", out},
       "--sparsity: 1.5 is out of range; expected a number in [0, 1)\n"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto result = call(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments[0];
    EXPECT_EQ(result.errors, message);
    EXPECT_EQ(result.output, "");
  }
  EXPECT_EQ(call({"sweep"}).exit_code, 2);
  EXPECT_EQ(call({"prune", "none.safetensors", "-o", out}).exit_code, 1);
  EXPECT_EQ(call({"sweep", in("missing.json")}).exit_code, 2);
}

TEST_F(Cli, ValidateCountsTrialsAndExitsWithTwoOnErrors) {
  const auto config = write_config(testing::tiny_config(data_->path(), 1));
  auto result = call({"validate", config});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, config + ": tiny: 40 trials (2 seeds)\n");
  result = call({"validate", config, "--set", "steps.1.prune.skip=[\"cnv\"]"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(
      result.errors,
      "--set steps.1.prune.skip=[\"cnv\"]: /steps/1/prune/skip/0: \"cnv\" matches no layer of "
      "tiny; did you mean \"conv\"?; its layers: conv, fc\n");
}

TEST_F(Cli, DryRunWritesNothing) {
  const auto config = write_config(testing::tiny_config(data_->path(), 1));
  const auto result = call({"sweep", config, "--out", in("run"), "--dry-run"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.output.find("40 trials to run in " + in("run")), std::string::npos);
  EXPECT_NE(result.output.find("estimate: about "), std::string::npos) << result.output;
  EXPECT_FALSE(std::filesystem::exists(in("run")));
}

TEST_F(Cli, SweepReportsAndExitsWithOneWhenATrialFails) {
  const auto config = write_config(testing::tiny_config(data_->path(), 1));
  const std::vector<std::string> one = {
      "sweep", config,      "--out", in("run"),
      "--set", "seeds=[0]", "--set", "model.layers.0.out_channels=4"};
  auto arguments = one;
  arguments.insert(arguments.end(), {"--limit", "3"});
  auto result = call(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output.rfind("3 of 10 trials finished, 0 failed; see ", 0), 0u) << result.output;
  for (const char* file : {"run/results.csv", "run/report.html", "run/results.jsonl"}) {
    EXPECT_TRUE(std::filesystem::exists(in(file))) << file;
  }
  arguments = one;
  arguments.insert(arguments.end(), {"--set", "steps.0.train.optimizer=sgd", "--set",
                                     "steps.0.train.learning_rate=1e30", "--limit", "1"});
  result = call(arguments);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.errors.find("failed: train: "), std::string::npos) << result.errors;
}

}  // namespace
}  // namespace coppice::sweep
