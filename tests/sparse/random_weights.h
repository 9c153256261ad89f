#pragma once

#include <string>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/sparse/weights.h"

namespace coppice::testing {

/// Random weights of which each group of `rows` x `columns` is zero with this probability; other
/// weights are never zero.
template <class T>
std::vector<T> random_sparse(const std::string& name, int rows, int columns, double sparsity,
                             int group_rows = 1, int group_columns = 1) {
  Random random(1, name);
  std::vector<T> w(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  for (int r = 0; r < rows; r += group_rows) {
    for (int c = 0; c < columns; c += group_columns) {
      const bool keep = random.uniform() >= static_cast<float>(sparsity);
      for (int i = r; i < r + group_rows && i < rows; ++i) {
        for (int k = c; k < c + group_columns && k < columns; ++k) {
          const int value = static_cast<int>(random.below(254)) - 127;
          if (keep) w[static_cast<size_t>(i * columns + k)] = static_cast<T>(value + (value >= 0));
        }
      }
    }
  }
  return w;
}

/// Exactly `count` non-zeros in each window of `window` columns of each row.
inline std::vector<int8_t> random_balanced(const std::string& name, int rows, int columns,
                                           int window, int count) {
  Random random(1, name);
  std::vector<int8_t> w(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  for (int first = 0; first < rows * columns; first += window) {
    for (int left = window, need = count; left > 0; --left) {
      if (static_cast<int>(random.below(static_cast<uint32_t>(left))) >= need) continue;
      const int value = static_cast<int>(random.below(254)) - 127;
      w[static_cast<size_t>(first + left - 1)] = static_cast<int8_t>(value + (value >= 0));
      --need;
    }
  }
  return w;
}

}  // namespace coppice::testing
