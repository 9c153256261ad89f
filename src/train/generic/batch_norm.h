#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

/// Periods that are summed in registers before the sums in memory are touched.
inline constexpr int kUnroll = 4;

/// Calls body(vector type, rows, offset, j) for each vector j of a period: with `rows` periods from
/// `offset` at a time, first kUnroll, then one.
template <class Body>
inline void for_each_column(int period, int64_t count, Body body) {
  const int64_t block = static_cast<int64_t>(period) * kUnroll;
  int64_t offset = 0;
  for (; offset + block <= count; offset += block) {
    for_each_vector(period, [&]<class Vector>(Vector v, int j) { body(v, kUnroll, offset, j); });
  }
  for_each_period(period, count - offset, [&](int64_t more, int n) {
    for_each_vector(n, [&]<class Vector>(Vector v, int j) { body(v, 1, offset + more, j); });
  });
}

inline void moments(const float* x, const float* shift, int period, int64_t count, float* sums,
                    float* squares) {
  for_each_column(period, count, [=]<class Vector>(Vector, int rows, int64_t offset, int j) {
    const Vector base = Vector::load(shift + j);
    const float* from = x + offset + j;
    Vector sum = Vector::zero(), square = Vector::zero();
    for (int r = 0; r < rows; ++r, from += period) {
      const Vector d = Vector::load(from).minus(base);
      sum = sum.plus(d);
      square = square.plus_product(d, d);
    }
    Vector::load(sums + j).plus(sum).store(sums + j);
    Vector::load(squares + j).plus(square).store(squares + j);
  });
}

inline void scale_clamp(const float* x, const float* factor, const float* offsets, int period,
                        int64_t count, Clamp clamp, float* y) {
  for_each_period(period, count, [=](int64_t offset, int n) {
    for_each_vector(n, [=]<class Vector>(Vector, int j) {
      Vector::load(offsets + j)
          .plus_product(Vector::load(x + offset + j), Vector::load(factor + j))
          .clamped(Vector::all(clamp.low), Vector::all(clamp.high))
          .store(y + offset + j);
    });
  });
}

// The gradient that passes the clamp; its argument is computed as in scale_clamp, bit by bit.
template <class Vector>
inline Vector passed(Vector x, Vector dy, Vector factor, Vector offset, Clamp clamp) {
  return dy.where_inside(offset.plus_product(x, factor), Vector::all(clamp.low),
                         Vector::all(clamp.high));
}

inline void norm_sums(const float* x, const float* dy, const float* factor, const float* offsets,
                      const float* mean, int period, int64_t count, Clamp clamp, float* sums,
                      float* products) {
  for_each_column(period, count, [=]<class Vector>(Vector, int rows, int64_t offset, int j) {
    const Vector scale = Vector::load(factor + j), add = Vector::load(offsets + j);
    const Vector center = Vector::load(mean + j);
    Vector sum = Vector::zero(), product = Vector::zero();
    int64_t place = offset + j;
    for (int r = 0; r < rows; ++r, place += period) {
      const Vector value = Vector::load(x + place);
      const Vector g = passed(value, Vector::load(dy + place), scale, add, clamp);
      sum = sum.plus(g);
      product = product.plus_product(g, value.minus(center));
    }
    Vector::load(sums + j).plus(sum).store(sums + j);
    Vector::load(products + j).plus(product).store(products + j);
  });
}

// dx may be dy.
inline void norm_backward(const float* x, const float* dy, const float* factor,
                          const float* offsets, const float* slope, const float* constant,
                          int period, int64_t count, Clamp clamp, bool accumulate, float* dx) {
  for_each_period(period, count, [=](int64_t offset, int n) {
    for_each_vector(n, [=]<class Vector>(Vector, int j) {
      const Vector value = Vector::load(x + offset + j), scale = Vector::load(factor + j);
      const Vector g =
          passed(value, Vector::load(dy + offset + j), scale, Vector::load(offsets + j), clamp);
      const Vector before = accumulate ? Vector::load(dx + offset + j) : Vector::zero();
      Vector::load(constant + j)
          .plus_product(value, Vector::load(slope + j))
          .plus_product(g, scale)
          .plus(before)
          .store(dx + offset + j);
    });
  });
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
