#include "coppice/sparse/choose.h"

#include <gtest/gtest.h>

#include "sparse/random_weights.h"

namespace coppice::sparse {
namespace {

using testing::random_sparse;

std::vector<int8_t> weights(double sparsity, int rows = 1, int columns = 1) {
  return random_sparse<int8_t>("choose", 64, 576, sparsity, rows, columns);
}
DenseWeights<int8_t> view(const std::vector<int8_t>& w) { return {w.data(), 64, 9, 64, 576, 1}; }

TEST(Choose, ByBytes) {
  EXPECT_EQ(choose_by_bytes(view(weights(0.0))), FormatKind::kDense);
  EXPECT_EQ(choose_by_bytes(view(weights(0.5))), FormatKind::kBitmap);
  EXPECT_EQ(choose_by_bytes(view(weights(0.99))), FormatKind::kCsr);
  EXPECT_EQ(choose_by_bytes(view(weights(0.9, 1, 4))), FormatKind::kBlock1x4);
  EXPECT_EQ(choose_by_bytes(view(weights(0.9, 16, 1))), FormatKind::kVector16x1);
  EXPECT_EQ(choose_by_bytes(view(weights(0.9, 1, 576))), FormatKind::kKeptFilters);
}

TEST(Choose, ByTime) {
  EXPECT_EQ(choose_by_time(view(weights(0.0))), FormatKind::kDense);
  EXPECT_EQ(choose_by_time(view(weights(0.9, 16, 1))), FormatKind::kVector16x1);
  EXPECT_EQ(choose_by_time(view(weights(0.9, 1, 576))), FormatKind::kKeptFilters);
  // Where an index is dear and a test is cheap, one bit a weight wins.
  EXPECT_EQ(choose_by_time(view(weights(0.6)), {1.0, 9.0, 0.01}), FormatKind::kBitmap);
}

TEST(Choose, PredictsNoTimeForWhatIsNotStored) {
  const auto none = weights(1.0);
  for (const auto kind : {FormatKind::kKeptFilters, FormatKind::kCoordinateList, FormatKind::kCsr,
                          FormatKind::kBlock1x4, FormatKind::kVector4x1, FormatKind::kVector16x1}) {
    EXPECT_EQ(predicted_time(kind, view(none)), 0.0) << format_name(kind);
  }
}

}  // namespace
}  // namespace coppice::sparse
