#include "support/results.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace coppice::bench {
namespace {

TEST(Results, ComparisonTakesTheFastestOfEachSide) {
  const std::vector<Medians> runs = {{{"net/float/coppice:dense", 10.0, 8.0},
                                      {"net/float/coppice:slow", 40.0},
                                      {"net/float/onednn", 25.0},
                                      {"net/float/xnnpack", 20.0}}};
  const auto table = comparison_table(runs);
  EXPECT_NE(table.find("| net/float | 10.0 | dense | 1.25 | 25.0 | 20.0 | 2.00x |"),
            std::string::npos)
      << table;
}

// A quiet run and a busy one, in which everybody is three times slower: times are the quiet run's,
// and the ratio of neither is one of times from different runs.
TEST(Results, RatiosAreThoseOfOneRun) {
  const std::vector<Medians> runs = {{{"net/coppice:dense", 10.0}, {"net/xnnpack", 20.0}},
                                     {{"net/coppice:dense", 30.0}, {"net/xnnpack", 66.0}},
                                     {{"net/coppice:dense", 30.0}, {"net/xnnpack", 66.0}}};
  const auto table = comparison_table(runs);
  EXPECT_NE(table.find("| net | 10.0 | dense |  | 20.0 | 2.20x |"), std::string::npos) << table;
}

TEST(Results, NothingOfOursLeavesBlanks) {
  const auto table = comparison_table({{{"net/xnnpack", 20.0}}});
  EXPECT_NE(table.find("| net | | | | 20.0 | |"), std::string::npos) << table;
}

Medians sparse_run() {
  return {
      {"conv/float/dense/0.00/coppice:dense", 10.0}, {"conv/float/dense/0.00/onednn", 8.0},
      {"conv/float/weight/0.50/coppice:csr", 12.0},  {"conv/float/weight/0.50/coppice:skip", 9.0},
      {"conv/float/weight/0.90/coppice:csr", 2.0},   {"conv/float/weight/0.00/coppice:csr", 19.0}};
}

TEST(Results, CurvesKeepTheFastestAtEachSparsity) {
  const auto curves = sparse_curves(sparse_run());
  ASSERT_EQ(curves.size(), 1u);
  EXPECT_EQ(curves[0].layer, "conv");
  EXPECT_EQ(curves[0].granularity, "weight");
  EXPECT_EQ(curves[0].sparsity, (std::vector<double>{0.0, 0.5, 0.9}));
  EXPECT_EQ(curves[0].time_us, (std::vector<double>{19.0, 9.0, 2.0}));
  EXPECT_EQ(curves[0].contender[1], "coppice:skip");
  EXPECT_EQ(curves[0].our_dense_us, 10.0);
  EXPECT_EQ(curves[0].peer_dense_us, 8.0);
}

TEST(Results, BreakEvenIsWhereTheCurveCrosses) {
  const auto curve = sparse_curves(sparse_run())[0];
  EXPECT_NEAR(*break_even(curve, 10.0), 0.45, 1e-12);  // 19 at 0, 9 at 0.5
  EXPECT_NEAR(*break_even(curve, 5.5), 0.7, 1e-12);    // 9 at 0.5, 2 at 0.9
  EXPECT_EQ(break_even(curve, 1.0), std::nullopt);
  EXPECT_EQ(*break_even(curve, 100.0), 0.0);
}

// A bump above the dense time later on counts: break-even is for good.
TEST(Results, BreakEvenHoldsFromThereOn) {
  Curve curve;
  curve.sparsity = {0.0, 0.2, 0.4, 0.6};
  curve.time_us = {8.0, 4.0, 8.0, 4.0};
  EXPECT_NEAR(*break_even(curve, 6.0), 0.5, 1e-12);
}

TEST(Results, ReadsMediansInMicroseconds) {
  const auto path = std::filesystem::temp_directory_path() / "coppice_results_test.json";
  std::ofstream(path) << R"({"context": {"cpu": "a CPU", "isa": "avx2", "date": "2026-01-02T03",
      "peak_float_mac_per_s": "5e10", "peak_int8_mac_per_s": "1e11"}, "benchmarks": [
      {"run_name": "a/b", "run_type": "aggregate", "aggregate_name": "mean", "cpu_time": 7.0,
       "time_unit": "us"},
      {"run_name": "a/b", "run_type": "aggregate", "aggregate_name": "median", "cpu_time": 5.0,
       "time_unit": "ms"},
      {"run_name": "a/c", "run_type": "iteration", "repetitions": 1, "cpu_time": 4.0,
       "time_unit": "ns"},
      {"run_name": "a/d", "run_type": "iteration", "repetitions": 3, "cpu_time": 4.0,
       "time_unit": "ns"}]})";
  const auto run = read_run(path.string());
  ASSERT_TRUE(run.ok()) << run.error().message;
  ASSERT_EQ(run->size(), 2u);
  EXPECT_EQ((*run)[0].name, "a/b");
  EXPECT_DOUBLE_EQ((*run)[0].median_us, 5000.0);
  EXPECT_DOUBLE_EQ((*run)[1].median_us, 0.004);
  EXPECT_NE(describe_machine(path.string())->find("a CPU, avx2"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_EQ(read_run(path.string()).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace coppice::bench
