// Every step that prunes, reached from a config.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "coppice/graph/scheme.h"
#include "coppice/io/model_file.h"
#include "coppice/report/report.h"
#include "coppice/sweep/journal.h"
#include "coppice/sweep/provenance.h"
#include "coppice/sweep/runner.h"
#include "coppice/sweep/step.h"
#include "coppice/sweep/tables.h"
#include "sweep/tiny_data.h"

namespace coppice::sweep {
namespace {

class PruningSteps : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    data_ = new testing::TemporaryFolder("pruning_data");
    testing::write_tiny_cifar(data_->path(), 100, 30);
  }
  static void TearDownTestSuite() { delete data_; }

  // A network with batch norm and a hidden layer, trained for an epoch, then `steps`.
  static Result<Config> config(const std::string& steps) {
    const std::string text = R"({"version": 1, "name": "steps", "seeds": [0],
      "dataset": {"type": "cifar10", "path": ")" +
                             data_->path().string() + R"("},
      "model": {"name": "tiny", "layers": [
        {"op": "conv2d", "name": "conv", "out_channels": 8, "kernel": [3, 3], "stride": [2, 2],
         "padding": "same"},
        {"op": "batch_norm", "name": "norm"}, {"op": "relu"},
        {"op": "avg_pool2d", "kernel": [4, 4], "stride": [4, 4]}, {"op": "flatten"},
        {"op": "fully_connected", "name": "hidden", "out_features": 16}, {"op": "relu"},
        {"op": "fully_connected", "name": "fc", "out_features": 10}]},
      "steps": [{"train": {"epochs": 1, "learning_rate": 0.01}}, )" +
                             steps + R"(, {"evaluate": {"splits": ["validation"]}}]})";
    return parse_config(text, "steps.json");
  }

  std::vector<Json> run_steps(const std::string& steps) {
    const auto parsed = config(steps);
    EXPECT_TRUE(parsed.ok()) << parsed.error().message;
    RunOptions options;
    options.folder = work_.path() / std::to_string(runs_++);
    const auto summary = run(*parsed, options);
    EXPECT_TRUE(summary.ok()) << summary.error().message;
    folder_ = options.folder;
    auto records = *Journal::read(options.folder / "results.jsonl");
    for (const Json& record : records) EXPECT_EQ(record["status"], "ok") << record["error"];
    return records;
  }
  Graph model_of(const Json& record) const {
    return io::load_model(folder_ / record["model_file"].get<std::string>()).value();
  }

  static testing::TemporaryFolder* data_;
  testing::TemporaryFolder work_{"pruning_steps"};
  std::filesystem::path folder_;
  int runs_ = 0;
};
testing::TemporaryFolder* PruningSteps::data_ = nullptr;

TEST_F(PruningSteps, GranularitiesCriteriaAndScopesAreValuesOfASweep) {
  const auto records = run_steps(R"({"prune": {"sparsity": 0.5,
    "granularity": {"values": ["weight", "vector:1x4", "2:4", "channel"]},
    "criterion": {"values": ["magnitude_l1", "snip"]}, "calibration_samples": 40,
    "rules": ["fc max_sparsity=0.75"], "protect_first_last": false}})");
  ASSERT_EQ(records.size(), 8u);
  for (const Json& record : records) {
    EXPECT_NEAR(record["sparsity_achieved"].get<double>(), 0.5, 0.02);
    const bool channels = record["config./steps/1/prune/granularity"] == "channel";
    const Graph graph = model_of(record);
    EXPECT_EQ(graph.find("conv")->parameter("weight")->shape[0], channels ? 4 : 8);
    const Json result = provenance_of(graph).steps.back()["result"];
    EXPECT_EQ(result["recalibrated"], true);
  }
}

TEST_F(PruningSteps, SparsifyWithEverySchedule) {
  const auto records = run_steps(R"({"sparsify": {"sparsity": {"values": [0, 0.75]}, "epochs": 3,
    "batch_size": 20, "prune_every": 1, "ticket_rounds": 2, "pruning_schedule":
    {"values": ["one_shot", "linear", "agp", "lottery_ticket", "rigl"]}, "distillation": 0.5}})");
  ASSERT_EQ(records.size(), 6u);  // The dense model once.
  for (const Json& record : records) {
    const bool dense = record["sparsity_requested"] == 0.0;
    EXPECT_NEAR(record["sparsity_achieved"].get<double>(), dense ? 0.0 : 0.75, 0.01);
    EXPECT_EQ(record["finetune_epochs"], dense ? 0 : 3);
  }
}

TEST_F(PruningSteps, DistillationChangesFineTuning) {
  const auto records = run_steps(R"({"prune": {"sparsity": 0.5}},
    {"finetune": {"epochs": 1, "distillation": {"values": [0, 0.9]}}})");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_NE(model_of(records[0]).find("fc")->parameter("weight")->value,
            model_of(records[1]).find("fc")->parameter("weight")->value);
}

TEST_F(PruningSteps, DenseModelTeachesItsOwnFineTuning) {
  const auto records = run_steps(R"({"finetune": {"epochs": 1, "distillation": 0.5}})");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0]["status"], "ok");
}

TEST_F(PruningSteps, DistillationChangesTrainingForIntegers) {
  const auto records = run_steps(R"({"prune": {"sparsity": 0.5}}, {"quantize": {"weight_bits": 4}},
    {"qat": {"epochs": 1, "distillation": {"values": [0, 0.9]}}})");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_NE(model_of(records[0]).find("fc")->parameter("weight")->value,
            model_of(records[1]).find("fc")->parameter("weight")->value);
}

TEST_F(PruningSteps, SharedValuesAndDeadChannels) {
  const auto records = run_steps(R"({"prune": {"sparsity": 0.5}},
    {"remove_dead_channels": {"samples": 50}},
    {"unify": {"share": {"values": [0, 1]}, "epochs": 1}},
    {"cluster": {"clusters": {"values": [0, 4]}, "epochs": 1, "layers": ["hidden"]}})");
  ASSERT_EQ(records.size(), 4u);
  for (const Json& record : records) {
    if (record["config./steps/4/cluster/clusters"] != 4) continue;
    const Graph graph = model_of(record);
    const auto& values = graph.find("hidden")->parameter("weight")->value;
    EXPECT_LE(std::set<float>(values.begin(), values.end()).size(), 5u);  // Four and zero.
  }
}

// Pruned, clustered, quantized and trained for integers: zeros stay, and the codebook does, unless
// it is let go.
TEST_F(PruningSteps, TrainingForIntegersKeepsMaskAndClusters) {
  const auto records = run_steps(R"({"prune": {"sparsity": 0.5}},
    {"cluster": {"clusters": 4, "epochs": 1}}, {"quantize": {"per_channel": {"values": [false, true]}}},
    {"qat": {"epochs": 2, "learning_rate": 0.003, "keep_shared_values": {"values": [true, false]}}})");
  ASSERT_EQ(records.size(), 4u);
  for (const Json& record : records) {
    const bool keeps = record["config./steps/4/qat/keep_shared_values"];
    const bool per_channel = record["config./steps/3/quantize/per_channel"];
    const Graph graph = model_of(record);
    size_t most = 0;
    for (const Node& node : graph.nodes) {
      const Parameter* weight = node.parameter("weight");
      if (weight == nullptr) continue;
      // Folding the batch norm gave each channel of "conv" its own codebook.
      const bool by_channel = per_channel || node.name == "conv";
      std::map<size_t, std::set<int32_t>> distinct;
      for_each_element(weight->shape, by_channel ? 0 : -1, [&](size_t channel, size_t i) {
        if (weight->mask[i] == 0) {
          EXPECT_EQ(weight->quantized->values[i], 0);
        } else {
          distinct[channel].insert(weight->quantized->values[i]);
        }
      });
      for (const auto& values : distinct) most = std::max(most, values.second.size());
    }
    if (keeps) {
      EXPECT_LE(most, 4u);
    } else {
      EXPECT_GT(most, 4u);
    }
  }
}

TEST_F(PruningSteps, ActivationBitsOfASweep) {
  const auto records = run_steps(R"({"quantize": {"activation_bits": {"values": [8, 16]},
    "scales": {"values": ["affine", "power_of_two"]}}})");
  ASSERT_EQ(records.size(), 4u);
  for (const Json& record : records) {
    const bool wide = record["config./steps/1/quantize/activation_bits"] == 16;
    EXPECT_EQ(record["activation_bits"], wide ? 16 : 8);
    EXPECT_EQ(model_of(record).wide(), wide);
  }
}

TEST_F(PruningSteps, SensitivityStandsInTheRecordAndInTheReport) {
  const auto records = run_steps(R"({"sensitivity": {"sparsities": [0.5, 0.9], "metric": "kl",
    "samples": 30}})");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0]["sensitivity"]["layers"], Json({"conv", "hidden", "fc"}));
  EXPECT_EQ(records[0]["sensitivity"]["values"].size(), 3u);
  const auto loaded = report::load_run(folder_);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const std::string html = report::render_html(*loaded);
  EXPECT_NE(html.find("<h2>Sensitivity</h2>"), std::string::npos);
  EXPECT_NE(html.find("<th scope=\"row\">hidden</th>"), std::string::npos);
  ASSERT_TRUE(report::write_report(folder_).ok());
}

TEST_F(PruningSteps, GrammarsAreCheckedWithTheConfig) {
  const auto message = [](const std::string& prune) {
    const auto parsed = config(R"({"prune": )" + prune + "}");
    if (!parsed.ok()) return parsed.error().message;
    const Status status = check_layer_patterns(*parsed);
    return status.ok() ? "" : status.error().message;
  };
  EXPECT_NE(message(R"({"granularity": "vector:2x2"})").find("/prune/granularity: unknown pruning"),
            std::string::npos);
  EXPECT_NE(message(R"({"rules": ["conv sparse=1"]})").find("\"sparse=1\" is not known"),
            std::string::npos);
  EXPECT_NE(message(R"({"rules": ["convv skip"]})").find("\"convv\" matches no layer"),
            std::string::npos);
  EXPECT_NE(message(R"({"skip": ["op:add"]})").find("\"op:add\" matches no layer"),
            std::string::npos);
  EXPECT_EQ(message(R"({"skip": ["op:conv2d"], "rules": ["f* sparsity=0.5"]})"), "");
}

}  // namespace
}  // namespace coppice::sweep
