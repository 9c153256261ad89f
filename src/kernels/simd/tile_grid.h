#pragma once

#include <cstddef>

#include "coppice/kernels/image.h"
#include "coppice/kernels/window.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/tap_spans.h"
#include "kernels/simd/tiles.h"

namespace coppice::kernels::simd {

/// Tiles of outputs, all of one shape, side by side: a kernel goes over them without a call for
/// each. Steps and places are in elements.
template <class T, int kMostPixels>
struct TileGrid {
  const T* x;  ///< The first window's first tap that is not padding.
  T* y;        ///< The first result.
  int rows, columns;
  ptrdiff_t x_row, x_column, y_row, y_column;  ///< From a tile to its neighbours.
  ptrdiff_t x_pixel[kMostPixels];              ///< From the first pixel of a tile to the others.
  ptrdiff_t y_pixel[kMostPixels];

  /// visit(x, y) of each tile.
  template <class Visit>
  COPPICE_INLINE void for_each_tile(Visit&& visit) const {
    for (int row = 0; row < rows; ++row) {
      const T* from = x + row * x_row;
      T* to = y + row * y_row;
      for (int column = 0; column < columns; ++column, from += x_column, to += y_column)
        visit(from, to);
    }
  }
};

/// The places in a run of a tile's pixels, x_pixel of the grid.
template <int kPixels, class T>
COPPICE_INLINE void places_in_run(const T* run, const ptrdiff_t* x_pixel,
                                  const T* (&from)[kPixels]) {
  // Read again for each run: kept from run to run they would only be spilled.
  __asm__("" : "+r"(x_pixel));
  COPPICE_UNROLL
  for (int p = 0; p < kPixels; ++p) from[p] = run + x_pixel[p];
}

/// visit(grid, pixels of a tile) for the at most four grids that make a rectangle, of tiles of at
/// most `most` pixels. Rows of it that follow each other without a gap are one.
template <class T, int kMostPixels, class Visit>
COPPICE_INLINE void for_each_tile_grid(const Window2D& w, const TapRectangle& r,
                                       const Image<const T>& in, const Image<T>& out, int most,
                                       Visit&& visit) {
  const ptrdiff_t x_row = w.stride_h * in.row_step, x_pixel = w.stride_w * in.pixel_step;
  const ptrdiff_t y_row = out.row_step, y_pixel = out.pixel_step;
  const T* x = in.pixel(r.rows.begin * w.stride_h + r.rows.first * w.dilation_h - w.pad_top,
                        r.columns.begin * w.stride_w + r.columns.first * w.dilation_w - w.pad_left);
  T* y = out.pixel(r.rows.begin, r.columns.begin);
  int rows = r.rows.outputs(), columns = r.columns.outputs();
  if (x_row == columns * x_pixel && y_row == columns * y_pixel) {
    columns *= rows;
    rows = 1;
  }
  TileGrid<T, kMostPixels> grid;
  for_each_tile_size(columns, most, [&](int column, int across, int width) COPPICE_LAMBDA {
    grid.columns = across;
    grid.x_column = width * x_pixel;
    grid.y_column = width * y_pixel;
    const int tall = rows == 1 ? 1 : most / width;
    for_each_tile_size(rows, tall, [&](int row, int down, int height) COPPICE_LAMBDA {
      grid.x = x + row * x_row + column * x_pixel;
      grid.y = y + row * y_row + column * y_pixel;
      grid.rows = down;
      grid.x_row = height * x_row;
      grid.y_row = height * y_row;
      for (int j = 0, pixel = 0; j < height; ++j) {
        for (int i = 0; i < width; ++i, ++pixel) {
          grid.x_pixel[pixel] = j * x_row + i * x_pixel;
          grid.y_pixel[pixel] = j * y_row + i * y_pixel;
        }
      }
      visit(grid, height * width);
    });
  });
}

}  // namespace coppice::kernels::simd
