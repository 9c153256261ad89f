#include "coppice/sweep/grid.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <set>

namespace coppice::sweep {
namespace {

Config config_with(const std::string& steps, const std::string& extra = "",
                   const std::vector<std::string>& sets = {}) {
  auto config = parse_config(R"({"version": 1, "name": "x", "dataset": {"path": "d"}, "model": )"
                             R"({"arch": "tiny_conv"}, "steps": )" +
                                 steps + extra + "}",
                             "x.json", sets);
  EXPECT_TRUE(config.ok()) << config.error().message;
  return *config;
}

std::vector<Trial> trials_of(const Config& config) {
  auto trials = expand(config);
  EXPECT_TRUE(trials.ok()) << trials.error().message;
  return *trials;
}

constexpr const char* kQuickstart = R"([{"train": {"epochs": 2}},
    {"prune": {"sparsity": {"values": [0, 0.5, 0.8, 0.9]}}},
    {"finetune": {"epochs": {"values": [0, 5]}, "only_after_pruning": true}},
    {"quantize": {"weight_bits": {"values": [32, 8]}}}, {"evaluate": {}}])";

TEST(Sha256, KnownDigest) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("", 16), "e3b0c44298fc1c14");
}

TEST(Grid, ProductOfValuesAndSeedsWithoutRepetitions) {
  const auto trials = trials_of(config_with(kQuickstart));
  // (1 dense + 3 sparsities x 2 fine-tunings) x 2 bit widths, for each of three seeds.
  ASSERT_EQ(trials.size(), 42u);
  std::set<std::string> ids;
  for (const Trial& trial : trials) ids.insert(trial.id);
  EXPECT_EQ(ids.size(), trials.size());
  EXPECT_EQ(trials[0].seed, 0u);
  EXPECT_EQ(trials[13].seed, 0u);
  EXPECT_EQ(trials[14].seed, 1u);
  const std::vector<std::pair<std::string, Json>> dense_int8 = {
      {"/steps/1/prune/sparsity", 0.0},
      {"/steps/2/finetune/epochs", 0},
      {"/steps/3/quantize/weight_bits", 8}};
  EXPECT_EQ(trials[1].swept, dense_int8);
  ASSERT_EQ(trials[1].steps.size(), 3u);
  EXPECT_EQ(trials[1].steps[1].name, "quantize");
  EXPECT_EQ(trials[1].steps[1].index, 3u);
}

TEST(Grid, WithoutTheRuleTheFineTunedDenseModelStays) {
  const auto trials = trials_of(
      config_with(kQuickstart, "", {"steps.2.finetune.only_after_pruning=false", "seeds=[5]"}));
  EXPECT_EQ(trials.size(), 16u);
}

TEST(Grid, SettingsOfAStepThatIsOffDoNotMultiply) {
  const auto trials = trials_of(config_with(
      R"([{"train": {}}, {"quantize": {"weight_bits": {"values": [32, 8]},
                                       "per_channel": {"values": [true, false]}}}])",
      R"(, "seeds": [0])"));
  ASSERT_EQ(trials.size(), 3u);
  EXPECT_EQ(trials[0].swept[0].second, 32);
  EXPECT_TRUE(trials[0].swept[1].second.is_null());
  EXPECT_EQ(trials[2].swept[1].second, false);
}

TEST(Grid, SharedPrefixesHaveEqualKeys) {
  const auto trials = trials_of(config_with(kQuickstart));
  std::set<std::string> trained;
  std::set<std::string> models;
  for (const Trial& trial : trials) {
    trained.insert(trial.steps[0].key);
    models.insert(trial.steps.back().key);
    EXPECT_EQ(trial.steps.back().name, "evaluate");  // Looking does not make another model.
    EXPECT_EQ(trial.steps.back().key, trial.steps[trial.steps.size() - 2].key);
  }
  EXPECT_EQ(trained.size(), 3u);
  EXPECT_EQ(models.size(), trials.size());
}

TEST(Grid, IdsDoNotDependOnOrderOfKeysOrSpelledOutDefaults) {
  const auto one = trials_of(config_with(R"([{"train": {"epochs": 2, "learning_rate": 0.001}}])"));
  const auto two = trials_of(config_with(R"([{"train": {"learning_rate": 1e-3, "epochs": 2.0}}])",
                                         R"(, "report": {"pareto": []})"));
  const auto three = trials_of(config_with(R"([{"train": {"epochs": 2}}])"));
  const auto four = trials_of(config_with(R"([{"train": {"epochs": 3}}])"));
  EXPECT_EQ(one[0].id, two[0].id);
  EXPECT_EQ(one[0].id, three[0].id);
  EXPECT_NE(one[0].id, four[0].id);
  EXPECT_EQ(one[0].id.size(), 16u);
}

// A change of this hash makes every finished run start again: do it on purpose only.
TEST(Grid, IdIsTheHashOfTheCanonicalText) {
  const auto trials = trials_of(config_with(R"([{"prune": {"sparsity": 0.5}}])"));
  const std::string text = nlohmann::json(trials[0].canonical()).dump();
  EXPECT_EQ(trials[0].id, sha256_hex(text, 16));
  EXPECT_NE(text.find(R"("model":{"arch":"tiny_conv"},"seed":0,"steps":[{"prune":{)"
                      R"("calibration_samples":256,"cost":"none","criterion":"magnitude_l1",)"
                      R"("granularity":"weight","group_reduction":"mean","layers":[],)"),
            std::string::npos)
      << text;
}

TEST(Grid, ListsAndArchitecturesCanBeSwept) {
  const auto trials = trials_of(config_with(R"([{"prune": {"skip": {"values": [[], ["conv*"]]}}}])",
                                            R"(, "seeds": [0])",
                                            {R"(model.arch={"values": ["tiny_conv", "ds_cnn"]})"}));
  ASSERT_EQ(trials.size(), 4u);
  EXPECT_EQ(trials[0].swept[0].first, "/model/arch");
  EXPECT_EQ(trials[3].model["arch"], "ds_cnn");
  EXPECT_EQ(trials[3].steps[0].options["skip"], Json::array({"conv*"}));
}

TEST(Grid, LayersOfAModelCanBeSwept) {
  auto config = parse_config(
      R"({"version": 1, "name": "x", "seeds": [0], "dataset": {"path": "d"}, "model": {"layers": [
        {"op": "conv2d", "out_channels": {"values": [4, 8]}, "kernel": [3, 3]}, {"op": "flatten"}]},
        "steps": [{"train": {}}]})",
      "x.json");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const auto trials = trials_of(*config);
  ASSERT_EQ(trials.size(), 2u);
  EXPECT_EQ(trials[1].model["layers"][0]["out_channels"], 8);
  EXPECT_EQ(trials[1].swept[0].first, "/model/layers/0/out_channels");
}

TEST(Grid, ModelFileCountsByItsContent) {
  const auto path = std::filesystem::temp_directory_path() / "coppice_grid_test_model";
  const auto id_with = [&](const char* content) {
    std::ofstream(path) << content;
    auto config = parse_config(R"({"version": 1, "name": "x", "dataset": {"path": "d"}, "model": {)"
                               R"("file": ")" +
                                   path.string() + R"("}, "steps": [{"train": {}}]})",
                               "x");
    return trials_of(*config)[0].id;
  };
  EXPECT_EQ(id_with("one"), id_with("one"));
  EXPECT_NE(id_with("one"), id_with("two"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace coppice::sweep
