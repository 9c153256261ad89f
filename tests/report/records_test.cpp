#include <gtest/gtest.h>

#include <cmath>

#include "coppice/report/metric.h"
#include "coppice/report/records.h"
#include "report/fixture.h"

namespace coppice::report {
namespace {

using testing::RunFolder;

TEST(Summarize, MatchesTheDefinition) {
  const auto empty = summarize({});
  EXPECT_EQ(empty.count, 0);
  const auto one = summarize({0.25});
  EXPECT_EQ(one.count, 1);
  EXPECT_EQ(one.mean, 0.25);
  EXPECT_EQ(one.deviation, 0);
  const auto some = summarize({2, 4, 4, 4, 5, 5, 7, 9});  // Squares about the mean 5 sum to 32.
  EXPECT_EQ(some.mean, 5);
  EXPECT_DOUBLE_EQ(some.deviation, std::sqrt(32.0 / 7));
  EXPECT_EQ(some.minimum, 2);
  EXPECT_EQ(some.maximum, 9);
  EXPECT_EQ(summarize({0.1, 0.1, 0.1}).deviation, 0);
}

TEST(LoadRecords, KeepsOrderAndIgnoresACutOffLastLine) {
  RunFolder folder("cut");
  const auto records = testing::sweep_records();
  const std::string text = testing::to_lines(records);
  folder.write("results.jsonl", text);
  const auto whole = load_records(folder.path() / "results.jsonl");
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  ASSERT_EQ(whole->size(), records.size());
  EXPECT_EQ((*whole)[7], records[7]);
  // Cut anywhere inside the last line: one record less; only its newline missing: none less.
  const size_t last_line = text.rfind('\n', text.size() - 2) + 1;
  for (size_t length : {last_line, last_line + 1, last_line + 40, text.size() - 2}) {
    folder.write("results.jsonl", text.substr(0, length));
    const auto cut = load_records(folder.path() / "results.jsonl");
    ASSERT_TRUE(cut.ok()) << cut.error().message;
    EXPECT_EQ(cut->size(), records.size() - 1) << length;
  }
  folder.write("results.jsonl", text.substr(0, text.size() - 1));
  EXPECT_EQ(load_records(folder.path() / "results.jsonl")->size(), records.size());
}

TEST(LoadRecords, NamesTheBrokenLine) {
  RunFolder folder("broken");
  for (const char* broken :
       {"{\"seed\": 1,\n", "[1, 2]\n", "17\n", "{} {}\n", "{\"a\": \"\xff\"}\n"}) {
    folder.write("results.jsonl", std::string("{\"seed\": 1}\n\n") + broken + "{\"seed\": 2}\n");
    const auto records = load_records(folder.path() / "results.jsonl");
    ASSERT_FALSE(records.ok()) << broken;
    EXPECT_EQ(records.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(records.error().message.find("results.jsonl:3: "), std::string::npos)
        << records.error().message;
  }
  EXPECT_EQ(load_records(folder.path() / "none.jsonl").error().code, ErrorCode::kNotFound);
}

TEST(LoadRecords, ALaterLineReplacesTheSameTrial) {
  RunFolder folder("again");
  folder.write("results.jsonl",
               "{\"trial_id\": \"a\", \"status\": \"failed\"}\n{\"trial_id\": \"b\"}\n"
               "{\"trial_id\": \"a\", \"status\": \"ok\", \"test_accuracy\": 0.5}\n");
  const auto records = load_records(folder.path() / "results.jsonl");
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[0].at("status"), "ok");
}

TEST(GroupBySeed, GroupsTrialsThatDifferBySeedAlone) {
  auto records = testing::sweep_records();
  records.push_back(testing::failed_record());
  const auto groups = group_by_seed(records);
  ASSERT_EQ(groups.size(), 16u);
  for (const auto& group : groups) {
    ASSERT_EQ(group.members.size(), 3u);
    std::vector<double> accuracies;
    for (size_t member : group.members) {
      accuracies.push_back(records[member].at("test_accuracy").get<double>());
      for (const auto& [key, value] : group.settings.items())
        EXPECT_EQ(records[member].at(key), value);
    }
    const auto expected = summarize(accuracies);
    ASSERT_NE(group.find("test_accuracy"), nullptr);
    EXPECT_EQ(group.find("test_accuracy")->mean, expected.mean);
    EXPECT_EQ(group.find("test_accuracy")->deviation, expected.deviation);
    EXPECT_EQ(group.find("seed"), nullptr);
    const bool on_chip = group.settings.at("weight_bits") == 8;
    EXPECT_EQ(group.find("cortex_m4_instructions") != nullptr, on_chip);
  }
}

TEST(GroupBySeed, MissingKeysAndASeedPointerDoNotSplitGroups) {
  const std::vector<Record> records = {
      Record{{"seed", 1}, {"config./seed", 1}, {"test_accuracy", 0.5}},
      Record{{"seed", 2}, {"config./seed", 2}, {"test_accuracy", 0.7}, {"flash_bytes", 9}}};
  const auto groups = group_by_seed(records);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].find("test_accuracy")->count, 2);
  EXPECT_EQ(groups[0].find("flash_bytes")->count, 1);
}

TEST(VariedSettings, LeavesOutRepetitions) {
  const auto groups = group_by_seed(testing::sweep_records());
  EXPECT_EQ(varied_settings(groups),
            (std::vector<std::string>{"sparsity_requested", "weight_bits", "finetune_epochs"}));
  EXPECT_EQ(constant_settings(groups), (std::vector<std::string>{"arch", "dataset"}));
  std::vector<Record> records;
  for (int n : {1, 2}) {
    for (const char* granularity : {"weight", "channel"}) {
      records.push_back({{"config./steps/0/prune/granularity", granularity},
                         {"config./steps/1/prune/granularity", n},
                         {"weight_bits", 8}});
    }
  }
  const auto names = setting_names(varied_settings(group_by_seed(records)));
  EXPECT_EQ(names, (std::vector<std::string>{"config./steps/0/prune/granularity",
                                             "config./steps/1/prune/granularity"}));
}

TEST(BaselineGroups, TakesTheDenseFloatOne) {
  const auto groups = group_by_seed(testing::sweep_records());
  const auto baselines = baseline_groups(groups);
  ASSERT_EQ(baselines.size(), 1u);
  const auto& settings = groups[baselines[0]].settings;
  EXPECT_EQ(settings.at("sparsity_requested"), 0.0);
  EXPECT_EQ(settings.at("weight_bits"), 32);
  EXPECT_EQ(settings.at("finetune_epochs"), 0);
  std::vector<Record> pruned = {Record{{"sparsity_requested", 0.5}, {"weight_bits", 32}}};
  EXPECT_TRUE(baseline_groups(group_by_seed(pruned)).empty());
}

TEST(Metric, WritesNumbersForReaders) {
  EXPECT_EQ(format_number(1234567.891, 2), "1,234,567.89");
  EXPECT_EQ(format_number(-999.5, 1), "-999.5");
  EXPECT_EQ(format_number(-1000, 0), "-1,000");
  EXPECT_EQ(format_number(-0.001, 2), "0.00");
  EXPECT_EQ(format_number(std::nan(""), 2), "-");
  EXPECT_EQ(format_statistic(summarize({0.5, 0.7}), display_unit(Quantity::kFraction, 1)),
            "60.00 ± 14.14");
  EXPECT_EQ(display_unit(Quantity::kBytes, 1023).name, "B");
  EXPECT_EQ(display_unit(Quantity::kBytes, 96870).name, "KiB");
  EXPECT_EQ(display_unit(Quantity::kOperations, 2656768).name, "M");
  EXPECT_EQ(setting_text("weight_bits", {{"weight_bits", 32}}), "float32");
  EXPECT_EQ(setting_text("weight_bits", {{"weight_bits", 4}}), "int4");
  EXPECT_EQ(setting_text("sparsity_requested", {{"sparsity_requested", 0.875}}), "87.5 %");
  EXPECT_EQ(setting_text("finetune_epochs", {{"finetune_epochs", 1}}), "1 epoch");
  EXPECT_EQ(setting_names({"config./steps/3/prune/block_size"}).front(), "prune block size");
}

}  // namespace
}  // namespace coppice::report
