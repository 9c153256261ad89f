#include <algorithm>

#include "coppice/kernels/add/reference.h"
#include "coppice/kernels/pool/reference.h"
#include "kernels/image/u8_kernels.h"

// ImageOpsU8 for any processor: plain loops over the int8 values.

namespace coppice::kernels::image_u8 {
namespace {

int8_t to_int8(uint8_t value) { return static_cast<int8_t>(value ^ 0x80); }
uint8_t to_uint8(int value) { return static_cast<uint8_t>(static_cast<uint8_t>(value) ^ 0x80); }

template <class Body>
void for_each_row(const ImageSize& size, const Image<const uint8_t>& x, const Image<uint8_t>& y,
                  const Body& body) {
  for (int row = 0; row < size.height; ++row) {
    for (int column = 0; column < size.width; ++column)
      body(x.pixel(row, column), y.pixel(row, column));
  }
}

void copy(const ImageSize& size, uint8_t flip, const Image<const uint8_t>& x,
          const Image<uint8_t>& y) {
  for_each_row(size, x, y, [&](const uint8_t* from, uint8_t* to) {
    for (int c = 0; c < size.channels; ++c) to[c] = static_cast<uint8_t>(from[c] ^ flip);
  });
}

void clamp(const ImageSize& size, int8_t low, int8_t high, const Image<const uint8_t>& x,
           const Image<uint8_t>& y) {
  for_each_row(size, x, y, [&](const uint8_t* from, uint8_t* to) {
    for (int c = 0; c < size.channels; ++c)
      to[c] = std::clamp(from[c], to_uint8(low), to_uint8(high));
  });
}

void add(const ImageSize& size, const AddParams& p, const Image<const uint8_t>& a,
         const Image<const uint8_t>& b, const Image<uint8_t>& y) {
  for (int row = 0; row < size.height; ++row) {
    for (int column = 0; column < size.width; ++column) {
      const uint8_t *left = a.pixel(row, column), *right = b.pixel(row, column);
      uint8_t* to = y.pixel(row, column);
      for (int c = 0; c < size.channels; ++c)
        to[c] = to_uint8(add_element(p, to_int8(left[c]), to_int8(right[c])));
    }
  }
}

// fold(pixel value) for each pixel of the window in the image.
template <class Fold>
int fold_window(const Window2D& w, const Image<const uint8_t>& x, int oy, int ox, int channel,
                const Fold& fold) {
  int pixels = 0;
  for_each_tap(w, oy, ox, [&](int, int pixel) {
    fold(to_int8(x.pixel(pixel / w.in_w, pixel % w.in_w)[channel]));
    ++pixels;
  });
  return pixels;
}

template <class Result>
void pool(const PoolParams<int8_t>& p, const Image<uint8_t>& y, RowRange rows,
          const Result& result) {
  for (int oy = rows.begin; oy < rows.end; ++oy) {
    for (int ox = 0; ox < p.window.out_w; ++ox) {
      for (int c = 0; c < p.channels; ++c)
        y.pixel(oy, ox)[c] = to_uint8(std::clamp<int>(result(oy, ox, c), p.min, p.max));
    }
  }
}

void avg_pool2d(const PoolParams<int8_t>& p, const Image<const uint8_t>& x, const Image<uint8_t>& y,
                RowRange rows) {
  pool(p, y, rows, [&](int oy, int ox, int c) {
    int32_t sum = 0;
    const int pixels = fold_window(p.window, x, oy, ox, c, [&](int8_t value) { sum += value; });
    return pool_mean(sum, pixels);
  });
}

void max_pool2d(const PoolParams<int8_t>& p, const Image<const uint8_t>& x, const Image<uint8_t>& y,
                RowRange rows) {
  pool(p, y, rows, [&](int oy, int ox, int c) {
    int8_t largest = p.min;
    fold_window(p.window, x, oy, ox, c, [&](int8_t value) { largest = std::max(largest, value); });
    return largest;
  });
}

}  // namespace

const ImageOpsU8 kOpsScalar = {Isa::kScalar, copy, clamp, add, avg_pool2d, max_pool2d};

}  // namespace coppice::kernels::image_u8
