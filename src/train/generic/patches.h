#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

// Calls body(window's first float, row of the matrix) for each pixel of output rows [begin, end).
template <class X, class Column, class Body>
inline void for_each_patch(const PatchGrid& grid, X* x, int begin, int end, Column* columns,
                           Body body) {
  const int64_t width = static_cast<int64_t>(grid.run_count) * grid.run;
  for (int h = begin; h < end; ++h) {
    X* window = x + h * grid.row_step;
    for (int w = 0; w < grid.out_w; ++w) {
      body(window, columns);
      window += grid.pixel_step;
      columns += width;
    }
  }
}

inline void gather(const PatchGrid& grid, const float* x, int begin, int end, float* columns) {
  for_each_patch(grid, x, begin, end, columns, [&](const float* window, float* row) {
    for (int r = 0; r < grid.run_count; ++r, row += grid.run) {
      const float* from = window + grid.runs[r];
      for_each_vector(grid.run,
                      [&]<class Vector>(Vector, int i) { Vector::load(from + i).store(row + i); });
    }
  });
}

inline void scatter(const PatchGrid& grid, const float* columns, int begin, int end, float* x) {
  for_each_patch(grid, x, begin, end, columns, [&](float* window, const float* row) {
    for (int r = 0; r < grid.run_count; ++r, row += grid.run) {
      float* to = window + grid.runs[r];
      for_each_vector(grid.run, [&]<class Vector>(Vector, int i) {
        Vector::load(to + i).plus(Vector::load(row + i)).store(to + i);
      });
    }
  });
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
