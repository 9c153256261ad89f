#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "coppice/report/csv.h"
#include "coppice/report/figure.h"
#include "coppice/report/table.h"
#include "report/fixture.h"

namespace coppice::report {
namespace {

TEST(Csv, QuotesAsRfc4180Asks) {
  const std::vector<Record> records = {
      Record{{"seed", 1},
             {"zeta", "a,b"},
             {"config./steps/0/lr", 0.1},
             {"error", "say \"no\"\nplease"}},
      Record{
          {"trial_id", "x"}, {"zeta", nullptr}, {"wall_s", 0.30000000000000004}, {"alpha", true}}};
  EXPECT_EQ(to_csv(records),
            "trial_id,seed,error,wall_s,config./steps/0/lr,alpha,zeta\r\n"
            ",1,\"say \"\"no\"\"\nplease\",,0.1,,\"a,b\"\r\n"
            "x,,,0.30000000000000004,,true,\r\n");
}

TEST(Csv, ColumnsDoNotDependOnTheOrderOfRecords) {
  auto records = testing::sweep_records();
  records.push_back(testing::failed_record());
  const auto columns = csv_columns(records);
  std::reverse(records.begin(), records.end());
  EXPECT_EQ(csv_columns(records), columns);
  EXPECT_EQ(columns.front(), "trial_id");
}

TEST(Table, HasARowForEachGroupAndMarksTheFront) {
  const auto records = testing::sweep_records();
  const auto groups = group_by_seed(records);
  const auto table = make_table(records, groups, cost_metrics().front());
  ASSERT_EQ(table.rows.size(), 16u);
  for (size_t g = 0; g < table.rows.size(); ++g) {
    ASSERT_EQ(table.rows[g].size(), table.columns.size());
    ASSERT_EQ(table.seeds[g].size(), 3u);
    for (const auto& row : table.seeds[g]) EXPECT_EQ(row.size(), table.columns.size());
    bool beaten = false;
    for (const auto& other : groups) {
      const double accuracy =
          other.find("test_accuracy")->mean - groups[g].find("test_accuracy")->mean;
      const double flash = other.find("flash_bytes")->mean - groups[g].find("flash_bytes")->mean;
      beaten = beaten || (accuracy >= 0 && flash <= 0 && (accuracy > 0 || flash < 0));
    }
    EXPECT_EQ(table.on_front[g], !beaten) << g;
  }
  EXPECT_EQ(std::count(table.is_baseline.begin(), table.is_baseline.end(), true), 1);
}

TEST(Table, TextIsAlignedAndMarkdownEscaped) {
  const std::vector<Record> records = {
      Record{{"seed", 1}, {"arch", "a|b"}, {"test_accuracy", 0.5}, {"flash_bytes", 100}},
      Record{{"seed", 2}, {"arch", "a|b"}, {"test_accuracy", 0.6}, {"flash_bytes", 100}},
      Record{{"seed", 1}, {"arch", "c"}, {"test_accuracy", 0.4}, {"flash_bytes", 300}}};
  const auto table = make_table(records, group_by_seed(records), cost_metrics().front());
  EXPECT_EQ(to_text(table),
            "  network  seeds  Test accuracy [%]  Flash [B] \n"
            "* a|b          2       55.00 ± 7.07        100 \n"
            "  c            1              40.00        300 \n");
  EXPECT_EQ(to_markdown(table),
            "| network | seeds | Test accuracy [%] | Flash [B] |\n|---|---:|---:|---:|\n"
            "| **a\\|b** | **2** | **55.00 ± 7.07** | **100** |\n"
            "| c | 1 | 40.00 | 300 |\n");
}

TEST(Table, DropIsFromTheDenseModelOfTheSameSeed) {
  const auto record = [](int seed, int bits, double accuracy) {
    return Record{{"seed", seed},
                  {"arch", "a"},
                  {"sparsity_requested", 0.0},
                  {"weight_bits", bits},
                  {"test_accuracy", accuracy}};
  };
  std::vector<Record> records = {record(1, 32, 0.9), record(2, 32, 0.8), record(1, 8, 0.88),
                                 record(2, 8, 0.81), record(3, 8, 0.5)};
  records.push_back(Record{{"seed", 1}, {"arch", "b"}, {"weight_bits", 8}, {"test_accuracy", 0.7}});
  add_accuracy_drops(records);
  EXPECT_EQ(records[0]["accuracy_drop"], 0.0);
  EXPECT_NEAR(records[2]["accuracy_drop"].get<double>(), 0.02, 1e-12);
  EXPECT_NEAR(records[3]["accuracy_drop"].get<double>(), -0.01, 1e-12);
  EXPECT_FALSE(records[4].contains("accuracy_drop"));  // No dense model of its seed.
  EXPECT_FALSE(records[5].contains("accuracy_drop"));  // Nor of its network.
}

TEST(Figures, ASettingAsTheAxisIsNoColour) {
  std::vector<Record> records;
  for (const int bits : {2, 4, 8, 32}) {
    for (const char* recipe : {"plain", "ladder"}) {
      records.push_back(Record{{"seed", 1},
                               {"arch", "a"},
                               {"weight_bits", bits},
                               {"config./steps/1/quantize/recipe", recipe},
                               {"test_accuracy", 0.5 + 0.01 * bits}});
    }
  }
  const auto groups = group_by_seed(records);
  const auto& bits = axis_metrics()[cost_metrics().size()];
  const auto figures = make_figures(groups, {bits});
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].x.ticks, (std::vector<double>{2, 4, 8, 32}));
  EXPECT_EQ(make_encoding(groups).colours.front().key, "weight_bits");
  EXPECT_EQ(make_encoding(groups, figures[0].x_key).colours.front().labels,
            (std::vector<std::string>{"plain", "ladder"}));
}

TEST(Ticks, AreRoundAndInside) {
  EXPECT_EQ(nice_ticks(0, 10, false), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(tick_labels(nice_ticks(6.5, 110, true)),
            (std::vector<std::string>{"10", "20", "50", "100"}));
  EXPECT_EQ(tick_labels({0.5, 1, 1.5, 2}), (std::vector<std::string>{"0.5", "1", "1.5", "2"}));
  for (double low : {0.0, 0.031, 7.0, 47.7, 1e5}) {
    for (double span : {1e-3, 0.4, 1.0, 9.3, 45.0, 3e6}) {
      const auto ticks = nice_ticks(low, low + span, false);
      EXPECT_GE(ticks.size(), 3u) << low << " " << span;
      EXPECT_LE(ticks.size(), 8u) << low << " " << span;
      const auto labels = tick_labels(ticks);
      EXPECT_EQ(std::set<std::string>(labels.begin(), labels.end()).size(), ticks.size());
    }
  }
}

TEST(Figures, AxesHoldEveryPointAndGoLogarithmicWhenWide) {
  const auto groups = group_by_seed(testing::sweep_records());
  const auto figures = make_figures(groups, cost_metrics());
  ASSERT_EQ(figures.size(), 5u);
  EXPECT_EQ(figures[0].name, "accuracy_flash");
  EXPECT_TRUE(figures[0].x.logarithmic);  // 94.6 KiB is more than ten times 6.5 KiB.
  EXPECT_FALSE(figures[1].x.logarithmic);
  EXPECT_EQ(figures[3].points.size(), 8u);  // Only int8 runs on the chip.
  for (const auto& figure : figures) {
    ASSERT_EQ(figure.baselines.size(), 1u);
    EXPECT_FALSE(figure.front.empty());
    for (const auto& point : figure.points) {
      EXPECT_GT(point.x, figure.x.low);
      EXPECT_LT(point.x, figure.x.high);
      EXPECT_GT(point.y, figure.y.low);
      EXPECT_LT(point.y, figure.y.high);
    }
  }
  const auto encoding = make_encoding(groups);
  EXPECT_EQ(encoding.colours.front().labels, (std::vector<std::string>{"int8", "float32"}));
  EXPECT_EQ(encoding.shape.labels, (std::vector<std::string>{"none", "5 epochs"}));
  EXPECT_EQ(encoding.order.labels.size(), 4u);
}

TEST(Figures, ExecutorsAreGroupsWithShapesOfTheirOwn) {
  std::vector<Record> records;
  for (const auto& record : testing::sweep_records()) {
    for (const char* executor : {"dense", "auto"}) {
      records.push_back(record);
      records.back()["trial_id"] = record["trial_id"].get<std::string>() + executor;
      records.back()["executor"] = executor;
      records.back()["macs_executed"] =
          record[executor == std::string("dense") ? "macs_dense" : "macs_effective"];
      records.back()["sparsity_executed"] =
          executor == std::string("dense") ? 0.0 : record["sparsity_achieved"].get<double>();
    }
  }
  const auto groups = group_by_seed(records);
  EXPECT_EQ(groups.size(), 2 * group_by_seed(testing::sweep_records()).size());
  EXPECT_EQ(make_encoding(groups).shape.labels,
            (std::vector<std::string>{"not fine-tuned, dense", "not fine-tuned, auto",
                                      "fine-tuned 5 epochs, dense", "fine-tuned 5 epochs, auto"}));
  const auto figures = make_figures(groups, cost_metrics());
  ASSERT_EQ(figures.size(), 6u);
  EXPECT_EQ(figures.back().name, "accuracy_executed");
  const auto table = make_table(records, groups, cost_metrics().front());
  for (const char* title : {"sparsity requested", "Sparsity achieved", "Sparsity executed",
                            "executor", "Effective MACs", "Executed MACs"}) {
    EXPECT_TRUE(std::any_of(table.columns.begin(), table.columns.end(), [&](const Column& column) {
      return column.title == title;
    })) << title;
  }
}

TEST(Figures, EachDatasetHasItsOwn) {
  auto records = testing::sweep_records();
  for (size_t i = 0; i < records.size(); i += 2) records[i]["dataset"] = "cifar/10";
  const auto figures = make_figures(group_by_seed(records), {cost_metrics().front()});
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].name, "accuracy_flash_cifar_10");
  EXPECT_EQ(figures[0].points.size() + figures[1].points.size(), 16u);
}

TEST(Palette, ColoursDiffer) {
  for (size_t count : {1, 2, 7, 8, 13}) {
    const auto colours = palette(count);
    EXPECT_EQ(std::set<std::string>(colours.begin(), colours.end()).size(), count);
  }
}

}  // namespace
}  // namespace coppice::report
