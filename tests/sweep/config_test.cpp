#include "coppice/sweep/config.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "coppice/data/dataset.h"
#include "coppice/sweep/tables.h"
#include "coppice/train/fit.h"

namespace coppice::sweep {
namespace {

/// Lines 1 to 4 of a config; what follows begins on line 5.
constexpr const char* kHead =
    "{ // a comment\n"
    "  \"version\": 1, \"name\": \"x\",\n"
    "  \"dataset\": {\"path\": \"d\"}, /* another\n"
    "  one */ \"model\": {\"arch\": \"tiny_conv\"},\n";

std::string error_of(const std::string& text, const std::vector<std::string>& sets = {}) {
  const auto config = parse_config(text, "x.json", sets);
  return config.ok() ? "no error" : config.error().message;
}

std::string error_after_head(const std::string& rest) { return error_of(kHead + rest); }

TEST(Config, FillsInEveryDefault) {
  const auto config =
      parse_config(std::string(kHead) + R"("steps": [{"train": {"epochs": 3}}]})", "x.json");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->name, "x");
  EXPECT_EQ(config->seeds, (std::vector<uint64_t>{0, 1, 2}));
  const Json& train = config->resolved["steps"][0]["train"];
  EXPECT_EQ(train.size(), train_table().fields().size());
  EXPECT_EQ(train["epochs"], 3);
  EXPECT_EQ(train["learning_rate"].dump(), "0.001");
  EXPECT_EQ(train["optimizer"], "adam");
  EXPECT_EQ(config->resolved["report"]["pareto"].size(), 2u);
}

TEST(Config, TextErrorsNameTheirPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"{\"a\" 1}", "x.json:1:6: syntax error: unexpected number literal; expected ':'"},
      {"{\"a\": 1,\n }", "x.json:2:2: syntax error: unexpected '}'; expected string literal"},
      {"{\"a\": tru}", "x.json:1:7: syntax error: invalid literal; last read: '\"a\": tru}'"},
      {"{\"a\": 1", "x.json:1:8: syntax error: unexpected end of input; expected '}'"},
      {"", "x.json:1:1: syntax error: unexpected end of input; expected '[', '{', or a literal"},
      {"{}\n x",
       "x.json:2:2: syntax error: invalid literal; last read: '{}<U+000A> x'; expected end of "
       "input"},
      {"{\"é\": {\"b\": -1.5e3, // c\n  \"b\": 2}}",
       "x.json:2:3: /é/b: duplicate key; it stands already at 1:8"},
      {"[1]", "x.json:1:1: expected an object, found a list"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(error_of(text), message) << text;
}

TEST(Config, MeaningErrorsNamePointerAndPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"\"steps\": [{\"train\": {}},\n  {\"prune\": {\"sparsty\": 0.5}}]}",
       "x.json:6:14: /steps/1/prune/sparsty: unknown key; did you mean \"sparsity\"?"},
      {"\"steps\": [{\"prune\": {\"zzzzzz\": 0.5}}]}",
       "x.json:5:22: /steps/0/prune/zzzzzz: unknown key; allowed: sparsity, granularity, "
       "criterion, scope, cost, layers, skip, rules, min_sparsity, max_sparsity, "
       "calibration_samples, sensitivity_metric, sensitivity_samples, rounds, remove_channels, "
       "protect_first_last, round_to, min_channels, group_reduction, recalibrate_samples"},
      {"\"steps\": [{\"measure\": {\"isa\": \"avx513\"}}]}",
       "x.json:5:31: /steps/0/measure/isa: \"avx513\" is not one of best, scalar, sse41, avx2, "
       "avxvnni, avx512, avx512vnni, neon, neondot; did you mean \"avx512\"?"},
      {"\"steps\": [{\"prune\": {\"sparsity\": 1}}]}",
       "x.json:5:34: /steps/0/prune/sparsity: 1 is out of range; expected a number in [0, 1)"},
      {"\"steps\": [{\"prune\": {\"sparsity\":\n\"0.5\"}}]}",
       "x.json:6:1: /steps/0/prune/sparsity: expected a number in [0, 1), found the string "
       "\"0.5\""},
      {"\"steps\": [{\"train\": {\"epochs\": 1.5}}]}",
       "x.json:5:32: /steps/0/train/epochs: expected a whole number of epochs in [0, 100000], "
       "found "
       "the number 1.5"},
      {"\"steps\": [{\"train\": {\"warmup_epochs\": -1}}]}",
       "x.json:5:39: /steps/0/train/warmup_epochs: -1 is out of range; expected a number of epochs "
       "of at least 0"},
      {"\"steps\": [{\"train\": {\"learning_rate\": 0}}]}",
       "x.json:5:39: /steps/0/train/learning_rate: 0 is out of range; expected a number above 0"},
      {"\"steps\": [{\"train\": {\"optimizer\": \"adm\"}}]}",
       "x.json:5:35: /steps/0/train/optimizer: \"adm\" is not one of sgd, adam; did you mean "
       "\"adam\"?"},
      {"\"steps\": [{\"quantize\": {\"weight_bits\": 9}}]}",
       "x.json:5:40: /steps/0/quantize/weight_bits: 9 is not one of 32, 8, 7, 6, 5, 4, 3, 2, 1"},
      {"\"steps\": [{\"prun\": {}}]}",
       "x.json:5:12: /steps/0/prun: unknown step; did you mean \"prune\"?"},
      {"\"steps\": [{\"train\": {}, \"prune\": {}}]}",
       "x.json:5:11: /steps/0: expected an object with one key, the step's name, such as "
       "{\"train\": "
       "{...}}"},
      {"\"steps\": []}",
       "x.json:5:10: /steps: expected a list of steps, such as [{\"train\": {\"epochs\": 20}}]"},
      {"\"steps\": [{\"evaluate\": {}}, {\"train\": {}}]}",
       "x.json:5:30: /steps/1/train: a step that changes the model may not follow \"evaluate\""},
      {"\"steps\": [{\"evaluate\": {}}, {\"evaluate\": {}}]}",
       "x.json:5:30: /steps/1/evaluate: \"evaluate\" stands twice; one is enough"},
      {"\"stepz\": []}",
       "x.json:5:1: /stepz: unknown key; did you mean \"steps\"?\n"
       "x.json:1:1: missing required key \"steps\""},
      {"\"steps\": [{\"prune\": {\"sparsity\": {\"value\": [0]}}}]}",
       "x.json:5:35: /steps/0/prune/sparsity/value: unknown key; did you mean \"values\"?\n"
       "x.json:5:34: /steps/0/prune/sparsity: expected a number in [0, 1), {\"values\": [...]} or "
       "{\"min\", \"max\", \"n\"}"},
      {"\"steps\": [{\"prune\": {\"sparsity\": {\"values\": [0, 2, 0]}}}]}",
       "x.json:5:49: /steps/0/prune/sparsity/values/1: 2 is out of range; expected a number in [0, "
       "1)\nx.json:5:52: /steps/0/prune/sparsity/values/2: 0 stands twice in the list"},
      {"\"steps\": [{\"prune\": {\"sparsity\": {\"min\": 0, \"max\": 1, \"n\": 3}}}]}",
       "x.json:5:52: /steps/0/prune/sparsity/max: 1 is out of range; expected a number in [0, 1)"},
      {"\"steps\": [{\"prune\": {\"sparsity\": {\"min\": 0.9, \"max\": 0.1}}}]}",
       "x.json:5:34: /steps/0/prune/sparsity: missing required key \"n\" of a range"},
      {"\"steps\": [{\"train\": {\"learning_rate\": {\"min\": 0, \"max\": 1, \"n\": 3, \"scale\": "
       "\"log\"}}}]}",
       "x.json:5:47: /steps/0/train/learning_rate/min: must be above 0 for \"log\"\n"
       "x.json:5:47: /steps/0/train/learning_rate/min: 0 is out of range; expected a number above "
       "0"},
      {"\"report\": {\"pareto\": {\"values\": [[], [\"a:max\"]]}}, \"steps\": [{\"train\": {}}]}",
       "x.json:5:22: /report/pareto: cannot be swept"},
      {"\"seeds\": [], \"steps\": [{\"train\": {}}]}",
       "x.json:5:10: /seeds: expected at least one seed"},
      {"\"seeds\": [0, -1], \"steps\": [{\"train\": {}}]}",
       "x.json:5:10: /seeds: -1 is out of range; expected a list of integers of at least 0"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(error_after_head(text), message) << text;
}

TEST(Config, ExecutorsAreThoseOfTheLibrary) {
  const auto text = [](const char* executor) {
    return std::string(kHead) + R"("steps": [{"measure": {"executor": ")" + executor + "\"}}]}";
  };
  for (const Listed& executor : exec::executors()) {
    const auto config = parse_config(text(executor.name.data()), "x.json");
    ASSERT_TRUE(config.ok()) << config.error().message;
    const auto options =
        measure_table().options<MeasureOptions>(config->resolved["steps"][0]["measure"]);
    EXPECT_EQ(exec::executor_name(options.executor), executor.name);
    EXPECT_EQ(options.threads, 1);
    EXPECT_FALSE(options.isa.has_value());
  }
  const auto unknown = parse_config(text("denze"), "x.json");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("did you mean \"dense\"?"), std::string::npos)
      << unknown.error().message;
  const auto limited = measure_table().options<MeasureOptions>({{"isa", "avx2"}, {"threads", 2}});
  EXPECT_EQ(limited.isa, Isa::kAvx2);
  EXPECT_EQ(limited.threads, 2);
}

TEST(Config, PartsAreChecked) {
  const auto with = [](const char* dataset, const char* model) {
    return error_of(std::string("{\"version\": 1, \"name\": \"a\", \"dataset\": ") + dataset +
                    ", \"model\": " + model + ", \"steps\": [{\"train\": {}}]}");
  };
  EXPECT_EQ(with("{\"type\": \"fashion_mnist\"}", "{\"arch\": \"lenet\"}"), "no error");
  EXPECT_EQ(with("{}", "{\"arch\": \"lenet\"}"),
            "x.json:1:40: /dataset: missing required key \"path\"");
  EXPECT_EQ(with("{\"path\": \"d\"}", "{}"),
            "x.json:1:64: /model: expected exactly one of \"arch\", \"layers\", \"file\"");
  EXPECT_EQ(with("{\"path\": \"d\"}", "{\"arch\": \"lenet\", \"file\": \"f\"}"),
            "x.json:1:64: /model: expected exactly one of \"arch\", \"layers\", \"file\"");
  EXPECT_EQ(with("[]", "{\"arch\": \"lenet\"}"),
            "x.json:1:40: /dataset: expected an object, found a list");
  EXPECT_EQ(
      error_of("{\"version\": 2, \"name\": \"../a\", \"dataset\": {\"path\": \"d\"}, \"model\": "
               "{\"arch\": \"lenet\"}, \"steps\": [{\"train\": {}}]}"),
      "x.json:1:13: /version: 2 is not one of 1");
  EXPECT_EQ(
      error_of("{\"version\": 1, \"name\": \"../a\", \"dataset\": {\"path\": \"d\"}, \"model\": "
               "{\"arch\": \"lenet\"}, \"steps\": [{\"train\": {}}]}"),
      "x.json:1:24: /name: expected letters, digits, \".\", \"_\" or \"-\": it names the run's "
      "folder");
}

TEST(Config, SetReplacesAddsAndIsNamedInErrors) {
  const std::string text = std::string(kHead) + "\"steps\": [{\"train\": {}}, {\"prune\": {}}]}";
  const auto config = parse_config(
      text, "x.json",
      {"steps.1.prune.sparsity={\"values\": [0, 0.5]}", "seeds=[7]", "name=kws",
       "dataset.path=/some/folder=x", "steps.2={\"evaluate\": {}}", "report.pareto=[\"a:max\"]"});
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->resolved["steps"][1]["prune"]["sparsity"]["values"].size(), 2u);
  EXPECT_EQ(config->seeds, std::vector<uint64_t>{7});
  EXPECT_EQ(config->name, "kws");
  EXPECT_EQ(config->resolved["dataset"]["path"], "/some/folder=x");
  EXPECT_EQ(config->resolved["steps"].size(), 3u);
  EXPECT_EQ(config->resolved["report"]["pareto"][0], "a:max");

  const std::pair<const char*, const char*> cases[] = {
      {"steps.1.prune.sparsty=0.5",
       "--set steps.1.prune.sparsty=0.5: /steps/1/prune/sparsty: unknown key; did you mean "
       "\"sparsity\"?"},
      {"steps.1.prune.sparsity=abc",
       "--set steps.1.prune.sparsity=abc: /steps/1/prune/sparsity: expected a number in [0, 1), "
       "found "
       "the string \"abc\""},
      {"steps.1.prune={\"sparsity\": 3}",
       "--set steps.1.prune={\"sparsity\": 3}: /steps/1/prune/sparsity: 3 is out of range; "
       "expected a "
       "number in [0, 1)"},
      {"steps.1.prune={\"sparsity\": 3",
       "--set steps.1.prune={\"sparsity\": 3:1:15: syntax error: unexpected end of input; expected "
       "'}'"},
      {"steps.9.prune.sparsity=0",
       "--set steps.9.prune.sparsity=0: index 9 is past the end of a list of 2"},
      {"steps.a.prune.sparsity=0", "--set steps.a.prune.sparsity=0: \"a\" is not a list index"},
      {"version.x=0", "--set version.x=0: \"x\" is inside a single value"},
      {"version", "--set version: expected path.to.key=value"},
      {"=1", "--set =1: expected path.to.key=value"},
  };
  for (const auto& [assignment, message] : cases) EXPECT_EQ(error_of(text, {assignment}), message);
}

// config.resolved.json is a config: run again, it makes the same trials.
TEST(Config, TheResolvedConfigMeansTheSame) {
  const auto config =
      parse_config(std::string(kHead) +
                       "\"steps\": [{\"train\": {\"learning_rate\": {\"min\": 0.1, \"max\": "
                       "0.3, \"n\": 3}}}, {\"quantize\": {}}, {\"evaluate\": {}}]}",
                   "x.json");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const auto again = parse_config(config->resolved.dump(2), "y.json");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->resolved, config->resolved);
}

TEST(Config, RangesBecomeValues) {
  const auto values = [](const std::string& key, const std::string& range) {
    const auto config = parse_config(
        std::string(kHead) + "\"steps\": [{\"train\": {\"" + key + "\": " + range + "}}]}",
        "x.json");
    return config.ok() ? config->resolved["steps"][0]["train"][key]["values"].dump()
                       : config.error().message;
  };
  EXPECT_EQ(values("learning_rate", R"({"min": 0.1, "max": 0.5, "n": 5})"),
            "[0.1,0.2,0.3,0.4,0.5]");
  EXPECT_EQ(values("learning_rate", R"({"min": 1e-4, "max": 1e-1, "n": 4, "scale": "log"})"),
            "[0.0001,0.001,0.01,0.1]");
  EXPECT_EQ(values("learning_rate", R"({"min": 0.25, "max": 9, "n": 1})"), "[0.25]");
  EXPECT_EQ(values("epochs", R"({"min": 0, "max": 3, "n": 7})"), "[0,1,2,3]");
  EXPECT_EQ(values("epochs", R"({"min": 1, "max": 64, "n": 7, "scale": "log"})"),
            "[1,2,4,8,16,32,64]");
}

TEST(Config, LayerPatternsMustMatch) {
  const auto status = [](const std::string& prune, const char* arch = "\"tiny_conv\"") {
    auto config = parse_config(
        std::string("{\"version\": 1, \"name\": \"a\", \"dataset\": {\"path\": \"d\"}, \"model\": "
                    "{\"arch\": ") +
            arch + "},\n\"steps\": [{\"train\": {}}, {\"prune\": " + prune + "}]}",
        "x.json");
    if (!config.ok()) return config.error().message;
    const auto checked = check_layer_patterns(*config);
    return checked.ok() ? std::string("no error") : checked.error().message;
  };
  EXPECT_EQ(status(R"({"layers": ["conv*", "fc"]})"), "no error");
  EXPECT_EQ(status(R"({"skip": ["conv_1"], "sparsity": {"values": [0, 0.5]}})"), "no error");
  EXPECT_EQ(
      status(R"({"layers": ["fc", "conv_2"]})"),
      "x.json:2:54: /steps/1/prune/layers/1: \"conv_2\" matches no layer of tiny_conv; did you "
      "mean \"conv_1\"?; its layers: conv_1, fc");
  EXPECT_EQ(
      status(R"({"skip": ["pointwise_*"]})", R"({"values": ["ds_cnn", "tiny_conv"]})"),
      "x.json:2:46: /steps/1/prune/skip/0: \"pointwise_*\" matches no layer of tiny_conv; its "
      "layers: conv_1, fc");
}

TEST(Config, OptionsAreFilledFromTheTable) {
  Json values = train_table().defaults();
  values["epochs"] = 7;
  values["schedule"] = "step";
  values["step_epochs"] = {2, 4};
  const auto options = train_table().options<train::TrainOptions>(values);
  EXPECT_EQ(options.epochs, 7);
  EXPECT_EQ(options.schedule, train::LearningRateSchedule::kStep);
  EXPECT_EQ(options.step_epochs, (std::vector<int>{2, 4}));
  EXPECT_EQ(options.learning_rate, 1e-3f);
  const auto dataset = dataset_table().options<data::DatasetConfig>({{"keywords", {"yes", "no"}}});
  EXPECT_EQ(dataset.keywords, (std::vector<std::string>{"yes", "no"}));
  EXPECT_EQ(dataset.gain_db, data::DatasetConfig{}.gain_db);
}

TEST(Config, FlagsAreParsedByTheTable) {
  const auto flag = [](const Table& table, const char* name, const std::string& text) {
    const auto value = parse_flag(*table.find(name), text, std::string("--") + name);
    return value.ok() ? value->dump() : value.error().message;
  };
  EXPECT_EQ(flag(train_table(), "epochs", "12"), "12");
  EXPECT_EQ(flag(train_table(), "learning_rate", "1"), "1.0");
  EXPECT_EQ(flag(train_table(), "keep_best", "false"), "false");
  EXPECT_EQ(flag(train_table(), "step_epochs", "3,9"), "[3,9]");
  EXPECT_EQ(flag(dataset_table(), "keywords", "yes,no"), R"(["yes","no"])");
  EXPECT_EQ(flag(dataset_table(), "keywords", R"(["1","2"])"), R"(["1","2"])");
  EXPECT_EQ(flag(dataset_table(), "path", "12"), R"("12")");
  EXPECT_EQ(flag(train_table(), "epochs", "x"),
            "--epochs: expected a whole number of epochs in [0, 100000], found the string \"x\"");
  EXPECT_EQ(flag(prune_table(), "sparsity", "1.5"),
            "--sparsity: 1.5 is out of range; expected a number in [0, 1)");
}

}  // namespace
}  // namespace coppice::sweep
