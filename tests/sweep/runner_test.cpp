#include "coppice/sweep/runner.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "coppice/core/file.h"
#include "coppice/deploy/generate.h"
#include "coppice/io/model_file.h"
#include "coppice/sweep/estimate.h"
#include "coppice/sweep/journal.h"
#include "coppice/sweep/provenance.h"
#include "coppice/sweep/step.h"
#include "sweep/tiny_data.h"

namespace coppice::sweep {
namespace {

class Runner : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    data_ = new testing::TemporaryFolder("runner_data");
    testing::write_tiny_cifar(data_->path(), 120, 40);
  }
  static void TearDownTestSuite() { delete data_; }

  static Config config(const std::vector<std::string>& sets = {}) {
    auto result = parse_config(testing::tiny_config(data_->path(), 2), "tiny.json", sets);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return *result;
  }

  RunSummary run_config(const Config& config, int limit = 0, bool retry_failed = false,
                        int jobs = 1) {
    RunOptions options;
    options.folder = folder();
    options.limit = limit;
    options.jobs = jobs;
    options.retry_failed = retry_failed;
    steps_.clear();
    RunCallbacks callbacks;
    callbacks.on_step = [&](const StepProgress& step) {
      if (step.training.epochs == 0) ++steps_[step.step];
    };
    callbacks.on_note = [&](const std::string& note) { notes_.push_back(note); };
    auto summary = run(config, options, callbacks);
    EXPECT_TRUE(summary.ok()) << summary.error().message;
    return summary.ok() ? *summary : RunSummary{};
  }

  std::filesystem::path folder() const { return work_.path() / "run"; }
  std::vector<Json> records() const { return *Journal::read(folder() / "results.jsonl"); }

  static testing::TemporaryFolder* data_;
  testing::TemporaryFolder work_{"runner"};
  std::map<std::string, int> steps_;
  std::vector<std::string> notes_;
};
testing::TemporaryFolder* Runner::data_ = nullptr;

TEST_F(Runner, WritesOneRecordATrialAndRunsSharedStepsOnce) {
  const RunSummary summary = run_config(config());
  EXPECT_EQ(summary.trials, 40);
  EXPECT_EQ(summary.ran, 40);
  EXPECT_EQ(summary.failed, 0);
  // 2 seeds x 2 widths; of each: 1 training, 2 prunings, 2 fine-tunings, 1 + 2 x 2 quantizations.
  EXPECT_EQ(steps_["train"], 4);
  EXPECT_EQ(steps_["prune"], 8);
  EXPECT_EQ(steps_["finetune"], 8);
  EXPECT_EQ(steps_["quantize"], 20);
  EXPECT_EQ(steps_["evaluate"], 40);
  const auto all = records();
  ASSERT_EQ(all.size(), 40u);
  std::set<std::string> ids;
  for (const Json& record : all) {
    ids.insert(record["trial_id"].get<std::string>());
    EXPECT_EQ(record["status"], "ok");
    EXPECT_EQ(record["arch"], "tiny");
    EXPECT_EQ(record["dataset"], "cifar10");
    EXPECT_EQ(record["train_samples"].get<int>() + record["validation_samples"].get<int>(), 120);
    EXPECT_EQ(record["test_samples"], 40);
    EXPECT_GE(record["test_accuracy"].get<double>(), record["test_accuracy_low"].get<double>());
    EXPECT_LE(record["test_accuracy"].get<double>(), record["test_accuracy_high"].get<double>());
    EXPECT_GT(record["host_latency_us_median"].get<double>(), 0);
    EXPECT_GT(record["ram_peak_bytes"].get<int>(), 0);
    EXPECT_GT(record["wall_s"].get<double>(), 0);
    EXPECT_EQ(record["sparsity_requested"], record["config./steps/1/prune/sparsity"]);
    EXPECT_NEAR(record["sparsity_achieved"].get<double>(),
                record["sparsity_requested"].get<double>(), 0.01);
    EXPECT_EQ(record["weight_bits"], record["config./steps/3/quantize/weight_bits"]);
    EXPECT_EQ(record["finetune_epochs"], record["config./steps/2/finetune/epochs"]);
    EXPECT_TRUE(std::filesystem::exists(folder() / record["model_file"].get<std::string>()));
  }
  EXPECT_EQ(ids.size(), 40u);
  for (const char* file : {"config.resolved.json", "env.json"}) {
    const auto text = read_file(folder() / file);
    ASSERT_TRUE(text.ok());
    EXPECT_TRUE(Json::accept(*text)) << file;
  }
}

TEST_F(Runner, CountsWhatWasPrunedAndQuantized) {
  run_config(config({"seeds=[3]", "model.layers.0.out_channels=4"}));
  std::map<std::pair<double, int>, Json> by;
  for (const Json& record : records()) {
    if (record["finetune_epochs"] != 0) continue;
    by[{record["sparsity_requested"].get<double>(), record["weight_bits"].get<int>()}] = record;
  }
  const int weights = 3 * 3 * 3 * 4 + 4 * 4 * 4 * 10;
  const int biases = 4 + 10;
  const Json& dense = by[{0.0, 32}];
  EXPECT_EQ(dense["parameters_total"], weights + biases);
  EXPECT_EQ(dense["flash_bytes"], 4 * (weights + biases));
  EXPECT_EQ(dense["macs_dense"], 16 * 16 * 4 * 27 + 640);
  const Json& sparse = by[{0.8, 32}];
  EXPECT_LE(sparse["parameters_nonzero"].get<int>(), 0.2 * weights + biases + 2);
  EXPECT_LT(sparse["macs_effective"].get<int>(), 0.25 * sparse["macs_dense"].get<int>());
  const Json& integer = by[{0.0, 8}];
  EXPECT_LT(integer["flash_bytes"].get<int>(), 0.4 * dense["flash_bytes"].get<int>());
  EXPECT_EQ(integer["activation_bits"], 8);
}

TEST_F(Runner, MeasuresEachExecutorOfAModelThatIsMadeAndEvaluatedOnce) {
  const RunSummary summary =
      run_config(config({"seeds=[3]", "model.layers.0.out_channels=16",
                         R"(steps.5.measure.executor={"values": ["dense", "skip", "auto"]})"}));
  EXPECT_EQ(summary.failed, 0);
  // Dense, two sparsities with and without fine-tuning, each in float and int8.
  EXPECT_EQ(steps_["train"], 1);
  EXPECT_EQ(steps_["quantize"], 5);
  EXPECT_EQ(steps_["evaluate"], 10);
  EXPECT_EQ(steps_["measure"], 30);
  const auto all = records();
  ASSERT_EQ(all.size(), 30u);
  std::map<std::string, std::set<double>> accuracies;
  for (const Json& record : all) {
    SCOPED_TRACE(record.dump());
    EXPECT_EQ(record["executor"], record["config./steps/5/measure/executor"]);
    accuracies[record["model_file"]].insert(record["test_accuracy"].get<double>());
    const auto number = [&](const char* key) { return record[key].get<double>(); };
    EXPECT_GT(number("host_weight_bytes"), 0);
    EXPECT_LE(number("smallest_storage_bytes"), number("flash_bytes"));
    EXPECT_DOUBLE_EQ(number("sparsity_executed"),
                     1 - number("macs_executed") / number("macs_dense"));
    if (record["executor"] == "dense") {
      EXPECT_EQ(record["fallback_layers"], 0);
      EXPECT_EQ(record["macs_executed"], record["macs_dense"]);
    } else if (record["executor"] == "skip") {
      EXPECT_EQ(record["macs_executed"], record["macs_effective"]);
    } else {
      EXPECT_LE(number("macs_executed"), number("macs_dense"));
    }
    if (number("sparsity_requested") == 0.8) {
      EXPECT_LT(number("smallest_storage_bytes"), 0.7 * number("flash_bytes"));
    }
  }
  EXPECT_EQ(accuracies.size(), 10u);
  for (const auto& entry : accuracies) EXPECT_EQ(entry.second.size(), 1u);
}

TEST_F(Runner, GoesOnWhereItWas) {
  EXPECT_EQ(run_config(config(), 7).ran, 7);
  const auto first = records();
  ASSERT_EQ(first.size(), 7u);
  const int trained = steps_["train"];
  EXPECT_EQ(trained, 1);
  EXPECT_EQ(run_config(config()).ran, 33);
  EXPECT_EQ(steps_["train"], 3);  // The first one's model was there.
  const auto all = records();
  ASSERT_EQ(all.size(), 40u);
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(all[i], first[i]);
  EXPECT_EQ(run_config(config()).ran, 0);
}

TEST_F(Runner, JobsDoNotChangeResults) {
  const Config small = config({"seeds=[0]", "model.layers.0.out_channels=4"});
  const auto accuracies = [&] {
    std::map<std::string, std::pair<Json, Json>> result;
    for (const Json& record : records()) {
      result[record["trial_id"]] = {record["test_accuracy"], record["parameters_nonzero"]};
    }
    std::filesystem::remove_all(folder());
    return result;
  };
  run_config(small, 0, false, 1);
  const auto one = accuracies();
  run_config(small, 0, false, 3);
  EXPECT_EQ(steps_["train"], 1);
  EXPECT_EQ(steps_["finetune"], 2);
  EXPECT_EQ(accuracies(), one);
}

TEST_F(Runner, ChangedConfigKeepsTrialsThatAreTheSame) {
  run_config(config({"seeds=[0]", "model.layers.0.out_channels=4"}));
  EXPECT_EQ(records().size(), 10u);
  const auto wider = config({"seeds=[0]", "model.layers.0.out_channels=4",
                             "steps.1.prune.sparsity={\"values\": [0, 0.8, 0.9]}"});
  const RunSummary summary = run_config(wider);
  EXPECT_EQ(summary.trials, 10);
  EXPECT_EQ(summary.ran, 4);
  EXPECT_EQ(steps_["train"], 0);
  EXPECT_EQ(records().size(), 14u);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0], "4 records in the folder are of another config; they stay");
}

TEST_F(Runner, AFailedTrialIsRecordedAndTheOthersGoOn) {
  const auto broken = config({"seeds=[0]", "model.layers.0.out_channels=4",
                              "steps.0.train.optimizer=sgd", "steps.1.prune.sparsity=0",
                              "steps.0.train.learning_rate={\"values\": [0.01, 1e30]}"});
  RunSummary summary = run_config(broken);
  EXPECT_EQ(summary.ran, 4);
  EXPECT_EQ(summary.failed, 2);
  int failed = 0;
  for (const Json& record : records()) {
    if (record["status"] == "ok") continue;
    ++failed;
    EXPECT_EQ(record["status"], "failed");
    EXPECT_EQ(record["config./steps/0/train/learning_rate"], 1e30);
    EXPECT_EQ(record["error"].get<std::string>().rfind("train: ", 0), 0u) << record["error"];
    EXPECT_TRUE(record["test_accuracy"].is_null());
  }
  EXPECT_EQ(failed, 2);
  summary = run_config(broken);
  EXPECT_EQ(summary.ran, 0);
  EXPECT_EQ(summary.failed, 2);
  summary = run_config(broken, 0, /*retry_failed=*/true);
  EXPECT_EQ(summary.ran, 2);
  EXPECT_EQ(summary.finished, 4);
  EXPECT_EQ(summary.failed, 2);
}

TEST_F(Runner, ErrorsBeforeTheFirstTrialAreToldAtOnce) {
  RunOptions options;
  options.folder = folder();
  auto result = run(config({"dataset.path=/nowhere"}), options);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("/nowhere"), std::string::npos) << result.error().message;
  result = run(config({"model.layers.4.out_features=9"}), options);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kConfig);
  EXPECT_NE(result.error().message.find("the model has 3072 inputs and 9 outputs; dataset cifar10 "
                                        "has samples of 3072 values in 10 classes"),
            std::string::npos)
      << result.error().message;
  EXPECT_TRUE(records().empty());
}

TEST_F(Runner, ModelsSayWhereTheyComeFrom) {
  run_config(config({"seeds=[5]", "model.layers.0.out_channels=4"}));
  for (const Json& record : records()) {
    const auto model = io::load_model(folder() / record["model_file"].get<std::string>());
    ASSERT_TRUE(model.ok()) << model.error().message;
    const Provenance provenance = provenance_of(*model);
    EXPECT_EQ(provenance.seed, 5u);
    EXPECT_EQ(provenance.dataset["type"], "cifar10");
    EXPECT_EQ(provenance.steps[0]["step"], "train");
    EXPECT_EQ(provenance.steps[0]["result"]["log"].size(), 2u);
    EXPECT_EQ(model->class_names.size(), 10u);
    EXPECT_EQ(model->quantized(), record["weight_bits"] == 8);
  }
}

// A sweep may start from a model file: prune and quantize what was trained before.
TEST_F(Runner, StartsFromAModelFile) {
  run_config(config({"seeds=[0]", "model.layers.0.out_channels=4", "steps.1.prune.sparsity=0",
                     "steps.3.quantize.weight_bits=32"}));
  const Json trained = records()[0];
  const auto copy = work_.path() / "trained.safetensors";
  std::filesystem::copy_file(folder() / trained["model_file"].get<std::string>(), copy);
  std::filesystem::remove_all(folder());
  const auto again = config({"seeds=[0]", "model={\"file\": \"" + copy.string() + "\"}",
                             "steps=[{\"quantize\": {\"weight_bits\": {\"values\": [32, 8]}}}, "
                             "{\"evaluate\": {}}]"});
  EXPECT_EQ(run_config(again).ran, 2);
  EXPECT_EQ(records()[0]["test_accuracy"], trained["test_accuracy"]);
  EXPECT_EQ(records()[0]["arch"], "trained");
  EXPECT_EQ(records()[1]["weight_bits"], 8);
}

TEST_F(Runner, EstimateCountsSharedStepsOnceAndWritesNothing) {
  RunOptions options;
  options.folder = folder();
  const auto pending = pending_trials(config(), options);
  ASSERT_TRUE(pending.ok());
  const auto estimate = estimate_time(*pending, options);
  ASSERT_TRUE(estimate.ok()) << estimate.error().message;
  EXPECT_EQ(estimate->steps, 4 + 8 + 8 + 20);
  EXPECT_GT(estimate->seconds, 0);
  EXPECT_FALSE(std::filesystem::exists(folder()));
}

using SlowFirmware = Runner;

// Float trials leave the columns of the microcontroller empty; integer ones fill them.
TEST_F(SlowFirmware, IsMeasuredForIntegerModels) {
  if (const Status here = deploy::toolchain_available(); !here.ok()) {
    GTEST_SKIP() << here.error().message;
  }
  const RunSummary summary =
      run_config(config({"seeds=[0]", "model.layers.0.out_channels=4", "steps.1.prune.sparsity=0",
                         "steps.5.measure.targets=[\"host\", \"cortex-m4\"]"}));
  EXPECT_EQ(summary.failed, 0);
  const auto all = records();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(all[0]["cortex_m4_instructions"].is_null());
  EXPECT_EQ(all[1]["cortex_m4_outputs_equal_host"], true) << all[1];
  EXPECT_GT(all[1]["cortex_m4_instructions"].get<int64_t>(),
            all[1]["macs_dense"].get<int64_t>() / 4);
  EXPECT_GT(all[1]["cortex_m4_flash_bytes"].get<int64_t>(), all[1]["flash_bytes"].get<int64_t>());
  EXPECT_GT(all[1]["cortex_m4_ram_peak_bytes"].get<int64_t>(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder() / "work"));
}

TEST(WilsonInterval, KnownValues) {
  // 81 of 263: the worked example of Newcombe (Statistics in Medicine 17, 1998), method 3.
  const Interval newcombe = wilson_interval(81, 263);
  EXPECT_NEAR(newcombe.low, 0.2553, 5e-5);
  EXPECT_NEAR(newcombe.high, 0.3662, 5e-5);
  EXPECT_EQ(wilson_interval(0, 20).low, 0.0);
  EXPECT_NEAR(wilson_interval(0, 20).high, 0.1611, 5e-5);
  EXPECT_EQ(wilson_interval(20, 20).high, 1.0);
}

}  // namespace
}  // namespace coppice::sweep
