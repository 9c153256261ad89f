#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/graph/graph.h"

namespace coppice::prune {

/// A weight as a matrix: a row for each output channel, a column for each product that goes into
/// it, in memory order (KH, KW, I). Convolution OHWI and fully connected OI are row-major as they
/// are; depthwise HWC is the transpose.
struct WeightMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  bool transposed = false;
  int kernel_h = 1, kernel_w = 1, inputs = 1;  ///< columns = kernel_h * kernel_w * inputs.

  int64_t element(int64_t row, int64_t column) const {
    return transposed ? column * rows + row : row * columns + column;
  }
};
WeightMatrix weight_matrix(const Node& node, const Parameter& weight);

/// A partition of a weight tensor: elements of one group are kept or removed together.
struct Groups {
  int64_t count = 0;
  std::vector<int64_t> group_of;  ///< By element, row-major.
  std::vector<int64_t> sizes;     ///< Elements of each group.
  /// Patterns only: the window that each group belongs to, and the groups of each window. The
  /// same share of each window is kept.
  std::vector<int64_t> window_of = {};
  std::vector<int64_t> window_sizes = {};
};

/// What is removed together. All granularities are one mechanism: a partition of the weight into
/// groups, for N:M and balanced patterns with windows that keep so many groups each. At the end of
/// a row or column of the matrix a group or window may be incomplete; it is one nevertheless.
class Granularity {
 public:
  /// "weight", "vector:1x4", "kernel_row", "kernel", "block:4x4", "2:4", "balanced:16/64",
  /// "balanced:64", "channel". An error says what can be written.
  static Result<Granularity> parse(std::string_view text);

  const std::string& name() const { return name_; }
  bool is_channel() const { return kind_ == Kind::kChannel; }
  bool is_pattern() const { return kind_ == Kind::kPattern; }
  /// The sparsity of a pattern that fixes it: 0.5 for "2:4".
  std::optional<double> fixed_sparsity() const;

  Groups partition(const Node& node, const Parameter& weight) const;

  /// How many of a window's `size` groups are kept: for N:M the larger of ceil(size * N / M) and
  /// what `sparsity` leaves, else round(size * (1 - sparsity)).
  int64_t kept_in_window(int64_t size, double sparsity) const;

 private:
  enum class Kind { kTile, kKernelRow, kKernel, kPattern, kChannel };

  std::string name_;
  Kind kind_ = Kind::kTile;
  int64_t tile_rows_ = 1, tile_columns_ = 1;  // kTile
  int64_t kept_ = 0, window_ = 1;             // kPattern; kept 0: the sparsity decides.
};

}  // namespace coppice::prune
