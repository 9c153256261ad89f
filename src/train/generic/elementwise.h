#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

inline void bias_clamp(float* y, const float* bias, int period, int64_t count, Clamp clamp) {
  for_each_period(period, count, [=](int64_t offset, int n) {
    for_each_vector(n, [=]<class Vector>(Vector, int j) {
      Vector::load(y + offset + j)
          .plus(Vector::load(bias + j))
          .clamped(Vector::all(clamp.low), Vector::all(clamp.high))
          .store(y + offset + j);
    });
  });
}

inline void column_sums(const float* x, int period, int64_t count, float* sums) {
  for_each_period(period, count, [=](int64_t offset, int n) {
    for_each_vector(n, [=]<class Vector>(Vector, int j) {
      Vector::load(sums + j).plus(Vector::load(x + offset + j)).store(sums + j);
    });
  });
}

inline void clamp_forward(const float* x, float* y, int64_t count, Clamp clamp) {
  for_each_vector(count, [=]<class Vector>(Vector, int64_t i) {
    Vector::load(x + i).clamped(Vector::all(clamp.low), Vector::all(clamp.high)).store(y + i);
  });
}

// dx may be dy.
inline void clamp_backward(const float* y, const float* dy, float* dx, int64_t count, Clamp clamp,
                           bool accumulate) {
  for_each_vector(count, [=]<class Vector>(Vector, int64_t i) {
    const Vector before = accumulate ? Vector::load(dx + i) : Vector::zero();
    Vector::load(dy + i)
        .where_inside(Vector::load(y + i), Vector::all(clamp.low), Vector::all(clamp.high))
        .plus(before)
        .store(dx + i);
  });
}

inline void add(const float* a, const float* b, float* y, int64_t count, Clamp clamp) {
  for_each_vector(count, [=]<class Vector>(Vector, int64_t i) {
    Vector::load(a + i)
        .plus(Vector::load(b + i))
        .clamped(Vector::all(clamp.low), Vector::all(clamp.high))
        .store(y + i);
  });
}

inline void copy(const float* x, float* y, int64_t count, bool accumulate) {
  for_each_vector(count, [=]<class Vector>(Vector, int64_t i) {
    const Vector before = accumulate ? Vector::load(y + i) : Vector::zero();
    before.plus(Vector::load(x + i)).store(y + i);
  });
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
