#include "coppice/prune/granularity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "coppice/graph/builder.h"
#include "coppice/prune/prune.h"
#include "coppice/prune/registry.h"

namespace coppice::prune {
namespace {

// One layer of each kind, with odd sizes.
Graph layer(const Op& op, const Shape& input) {
  GraphBuilder builder("one", input, 3);
  const auto output = builder.add(op, {builder.input()}, "layer");
  return std::move(builder).finish(output).value();
}
Graph convolution() {
  Conv2D op;
  op.out_channels = 5;
  op.kernel = {2, 3};
  return layer(op, {4, 5, 7});  // weight [5, 2, 3, 7]
}
Graph depthwise() {
  DepthwiseConv2D op;
  op.kernel = {3, 3};
  op.multiplier = 2;
  return layer(op, {5, 5, 3});  // weight [3, 3, 6]
}
Graph fully_connected() { return layer(FullyConnected{3, Activation::kNone}, {11}); }

Groups partition(const Graph& graph, const char* name) {
  const auto granularity = Granularity::parse(name);
  EXPECT_TRUE(granularity.ok()) << name;
  return granularity->partition(graph.nodes[0], graph.nodes[0].parameters[0]);
}

std::map<int64_t, std::set<int64_t>> members(const Groups& groups) {
  std::map<int64_t, std::set<int64_t>> result;
  for (size_t i = 0; i < groups.group_of.size(); ++i) {
    result[groups.group_of[i]].insert(static_cast<int64_t>(i));
  }
  return result;
}

// Whatever the name: each element in one group, no group empty, sizes right.
TEST(Granularity, EveryNameIsAPartition) {
  for (const Graph& graph : {convolution(), depthwise(), fully_connected()}) {
    for (const char* name : {"weight", "vector:1x4", "vector:1x8", "vector:4x1", "vector:16x1",
                             "kernel_row", "kernel", "block:4x4", "block:2x3", "2:4", "1:4", "1:8",
                             "4:8", "balanced:16/64", "balanced:3/5", "balanced:8", "channel"}) {
      SCOPED_TRACE(std::string(name) + " of " + std::string(op_name(graph.nodes[0].op)));
      const Groups groups = partition(graph, name);
      const auto sets = members(groups);
      ASSERT_EQ(groups.group_of.size(), graph.nodes[0].parameters[0].value.size());
      ASSERT_EQ(static_cast<int64_t>(sets.size()), groups.count);
      for (const auto& [group, elements] : sets) {
        ASSERT_GE(group, 0);
        ASSERT_EQ(static_cast<int64_t>(elements.size()), groups.sizes[static_cast<size_t>(group)]);
      }
    }
  }
}

TEST(Granularity, ConvolutionByHand) {
  const Graph graph = convolution();
  const int64_t row = 2 * 3 * 7;  // 42 = 10 * 4 + 2
  Groups groups = partition(graph, "vector:1x4");
  EXPECT_EQ(groups.count, 5 * 11);
  EXPECT_EQ(members(groups)[0], (std::set<int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(members(groups)[10], (std::set<int64_t>{40, 41}));  // The last one of the row.
  EXPECT_EQ(members(groups)[11], (std::set<int64_t>{row, row + 1, row + 2, row + 3}));
  groups = partition(graph, "vector:4x1");
  EXPECT_EQ(groups.count, 2 * row);
  EXPECT_EQ(members(groups)[3], (std::set<int64_t>{3, row + 3, 2 * row + 3, 3 * row + 3}));
  EXPECT_EQ(members(groups)[row + 3], (std::set<int64_t>{4 * row + 3}));
  groups = partition(graph, "block:4x4");
  EXPECT_EQ(groups.count, 2 * 11);
  EXPECT_EQ(groups.sizes[0], 16);
  EXPECT_EQ(groups.sizes[10], 8);
  EXPECT_EQ(groups.sizes[21], 2);
  groups = partition(graph, "kernel");  // Output 0, input channel 2: all six taps.
  EXPECT_EQ(groups.count, 5 * 7);
  EXPECT_EQ(members(groups)[2], (std::set<int64_t>{2, 9, 16, 23, 30, 37}));
  groups = partition(graph, "kernel_row");
  EXPECT_EQ(groups.count, 5 * 2 * 7);
  EXPECT_EQ(members(groups)[2], (std::set<int64_t>{2, 9, 16}));
  EXPECT_EQ(members(groups)[7 + 2], (std::set<int64_t>{23, 30, 37}));
  groups = partition(graph, "channel");
  EXPECT_EQ(groups.count, 5);
  EXPECT_EQ(*members(groups)[1].begin(), row);
}

// Stored as [KH, KW, C]: a channel's weights lie C apart.
TEST(Granularity, DepthwiseByHand) {
  const Graph graph = depthwise();
  EXPECT_EQ(members(partition(graph, "channel"))[1],
            (std::set<int64_t>{1, 7, 13, 19, 25, 31, 37, 43, 49}));
  EXPECT_EQ(partition(graph, "kernel").count, 6);
  EXPECT_EQ(members(partition(graph, "kernel_row"))[3 + 2], (std::set<int64_t>{37, 43, 49}));
  EXPECT_EQ(members(partition(graph, "vector:4x1"))[0], (std::set<int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(members(partition(graph, "vector:1x4"))[2], (std::set<int64_t>{48}));
}

// How many weights of each window are left, by window size.
TEST(Granularity, PatternsKeepTheSameInEachWindow) {
  struct Case {
    const char* name;
    double sparsity;
    int window;
    int kept, kept_of_last;  // Rows are 42 long.
  };
  for (const Case& test :
       {Case{"2:4", 0.5, 4, 2, 1}, Case{"1:4", 0.1, 4, 1, 1}, Case{"1:8", 0.5, 8, 1, 1},
        Case{"4:8", 0.5, 8, 4, 1}, Case{"balanced:3/5", 0.9, 5, 3, 2},
        Case{"balanced:16/64", 0.75, 64, 11, 11}, Case{"balanced:8", 0.75, 8, 2, 1},
        Case{"balanced:5", 0.4, 5, 3, 1}}) {
    SCOPED_TRACE(test.name);
    Graph graph = convolution();
    PruneOptions options;
    options.granularity = test.name;
    options.sparsity = test.sparsity;
    const auto report = apply(graph, options);
    ASSERT_TRUE(report.ok()) << report.error().message;
    const auto& mask = graph.nodes[0].parameters[0].mask;
    for (int row = 0; row < 5; ++row) {
      for (int first = 0; first < 42; first += test.window) {
        int kept = 0;
        const int last = std::min(first + test.window, 42);
        for (int c = first; c < last; ++c) kept += mask[static_cast<size_t>(row * 42 + c)];
        EXPECT_EQ(kept, last - first == test.window ? test.kept : test.kept_of_last);
      }
    }
  }
}

TEST(Granularity, PatternsKeepTheLargest) {
  Graph graph = layer(FullyConnected{1, Activation::kNone}, {6});
  graph.nodes[0].parameters[0].value = {0.1f, -3, 2, 0.5f, 0.2f, -0.1f};
  PruneOptions options;
  options.granularity = "2:4";
  ASSERT_TRUE(apply(graph, options).ok());
  EXPECT_EQ(graph.nodes[0].parameters[0].mask, (std::vector<uint8_t>{0, 1, 1, 0, 1, 0}));
}

// Groups vanish or stay as a whole.
TEST(Granularity, PruningIsByGroup) {
  for (const Graph& original : {convolution(), depthwise(), fully_connected()}) {
    for (const char* name : {"vector:1x4", "vector:4x1", "kernel_row", "kernel", "block:2x3"}) {
      Graph graph = original;
      PruneOptions options;
      options.granularity = name;
      options.sparsity = 0.6;
      ASSERT_TRUE(apply(graph, options).ok());
      const Groups groups = partition(graph, name);
      const auto& mask = graph.nodes[0].parameters[0].mask;
      int64_t removed = 0;
      for (const auto& [group, elements] : members(groups)) {
        int64_t zeros = 0;
        for (const int64_t i : elements) zeros += mask[static_cast<size_t>(i)] == 0;
        ASSERT_TRUE(zeros == 0 || zeros == static_cast<int64_t>(elements.size())) << name;
        removed += zeros > 0;
      }
      EXPECT_EQ(removed, std::llround(0.6 * static_cast<double>(groups.count))) << name;
    }
  }
}

TEST(Granularity, ErrorsListWhatCanBeWritten) {
  for (const char* name : {"vector:2x2", "vector:1x", "block:0x4", "4:2", "0:4", "balanced:9/8",
                           "balanced:", "balanced:0", "2:4x", "weights", "", "block:1x4 "}) {
    const auto parsed = Granularity::parse(name);
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_NE(parsed.error().message.find("vector:RxC"), std::string::npos);
  }
  EXPECT_EQ(granularities().size(), 8u);
}

}  // namespace
}  // namespace coppice::prune
