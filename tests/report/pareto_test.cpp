#include "coppice/report/pareto.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

namespace coppice::report {
namespace {

bool dominates(const Candidate& a, const Candidate& b) {
  return a.accuracy >= b.accuracy && a.cost <= b.cost &&
         (a.accuracy > b.accuracy || a.cost < b.cost);
}

TEST(Pareto, EqualsTheDefinitionOnRandomSets) {
  std::mt19937 random(5);
  for (size_t count : {0, 1, 2, 3, 7, 16, 61}) {
    for (int levels : {1, 2, 5, 1000}) {  // Few levels make many ties.
      std::vector<Candidate> candidates;
      for (size_t i = 0; i < count; ++i) {
        const auto level = [&] {
          return static_cast<double>(random() % static_cast<unsigned>(levels));
        };
        const double accuracy = level();
        candidates.push_back({accuracy, level()});
      }
      std::set<size_t> expected;
      for (size_t i = 0; i < count; ++i) {
        const bool beaten =
            std::any_of(candidates.begin(), candidates.end(),
                        [&](const Candidate& other) { return dominates(other, candidates[i]); });
        if (!beaten) expected.insert(i);
      }
      const auto front = pareto_front(candidates);
      EXPECT_EQ(std::set<size_t>(front.begin(), front.end()), expected) << count << " " << levels;
      EXPECT_EQ(front.size(), expected.size());
      EXPECT_TRUE(std::is_sorted(front.begin(), front.end(), [&](size_t a, size_t b) {
        return candidates[a].cost < candidates[b].cost;
      }));
    }
  }
}

TEST(Pareto, LeavesNotANumberOut) {
  EXPECT_EQ(pareto_front({{std::nan(""), 1}, {0.5, std::nan("")}, {0.4, 3}}),
            (std::vector<size_t>{2}));
}

}  // namespace
}  // namespace coppice::report
