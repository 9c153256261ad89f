#include <algorithm>

#include "coppice/kernels/add/reference.h"
#include "coppice/kernels/pool/reference.h"
#include "kernels/image/i16_kernels.h"

// ImageOpsI16 for any processor: plain loops.

namespace coppice::kernels::image_i16 {
namespace {

// y(c) = value(row, column, c) for all pixels of some rows.
template <class Value>
void fill(const Image<int16_t>& y, RowRange rows, int width, int channels, const Value& value) {
  for (int row = rows.begin; row < rows.end; ++row) {
    for (int column = 0; column < width; ++column) {
      int16_t* to = y.pixel(row, column);
      for (int c = 0; c < channels; ++c) to[c] = static_cast<int16_t>(value(row, column, c));
    }
  }
}
template <class Value>
void fill(const Image<int16_t>& y, const ImageSize& size, const Value& value) {
  fill(y, {0, size.height}, size.width, size.channels, value);
}

void copy(const ImageSize& size, const Image<const int16_t>& x, const Image<int16_t>& y) {
  fill(y, size, [&](int row, int column, int c) { return x.pixel(row, column)[c]; });
}

void clamp(const ImageSize& size, int16_t low, int16_t high, const Image<const int16_t>& x,
           const Image<int16_t>& y) {
  fill(y, size,
       [&](int row, int column, int c) { return std::clamp(x.pixel(row, column)[c], low, high); });
}

void add(const ImageSize& size, const AddParams& p, const Image<const int16_t>& a,
         const Image<const int16_t>& b, const Image<int16_t>& y) {
  fill(y, size, [&](int row, int column, int c) {
    return add_element(p, a.pixel(row, column)[c], b.pixel(row, column)[c]);
  });
}

// Calls fold(value) for each pixel of a window inside the image; returns their number.
template <class Fold>
int fold_window(const Window2D& w, const Image<const int16_t>& x, int oy, int ox, int channel,
                const Fold& fold) {
  int pixels = 0;
  for_each_tap(w, oy, ox, [&](int, int pixel) {
    fold(x.pixel(pixel / w.in_w, pixel % w.in_w)[channel]);
    ++pixels;
  });
  return pixels;
}

void avg_pool2d(const PoolParams<int16_t>& p, const Image<const int16_t>& x,
                const Image<int16_t>& y, RowRange rows) {
  fill(y, rows, p.window.out_w, p.channels, [&](int oy, int ox, int c) {
    int32_t sum = 0;
    const int pixels = fold_window(p.window, x, oy, ox, c, [&](int16_t value) { sum += value; });
    return std::clamp<int32_t>(pool_mean(sum, pixels), p.min, p.max);
  });
}

void max_pool2d(const PoolParams<int16_t>& p, const Image<const int16_t>& x,
                const Image<int16_t>& y, RowRange rows) {
  fill(y, rows, p.window.out_w, p.channels, [&](int oy, int ox, int c) {
    int16_t largest = p.min;
    fold_window(p.window, x, oy, ox, c, [&](int16_t value) { largest = std::max(largest, value); });
    return std::min(largest, p.max);
  });
}

}  // namespace

const ImageOpsI16 kOpsScalar = {Isa::kScalar, copy, clamp, add, avg_pool2d, max_pool2d};

}  // namespace coppice::kernels::image_i16
