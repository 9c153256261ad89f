#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

// The float mirror of kernels::requantize_as<Rounding::kFloat>: equal to it, as sums below 2^24 are
// exact in a float.
inline void fake_quantize(const FakeQuantize& q, float* y, int64_t count, float* values) {
  for_each_period(q.period, count, [&](int64_t offset, int n) {
    for_each_vector(n, [&]<class Vector>(Vector, int j) {
      const Vector value = Vector::load(y + offset + j)
                               .plus(Vector::load(q.bias + j))
                               .times(Vector::load(q.factor + j));
      if (values != nullptr) value.store(values + offset + j);
      if (q.lows != nullptr) {
        Vector::load(q.lows + j).smaller(value).store(q.lows + j);
        Vector::load(q.highs + j).larger(value).store(q.highs + j);
      }
      rounded(value.clamped(Vector::all(q.clamp.low), Vector::all(q.clamp.high)))
          .store(y + offset + j);
    });
  });
}

// d(step * scale) / d(log scale) is, in steps, round(v) - v inside the clamp and the clamp's bound
// outside (Esser et al., "Learned step size quantization", ICLR 2020, equation 3).
inline void fake_quantize_backward(const FakeQuantizeGradient& q, const float* values, float* dy,
                                   int64_t count) {
  for_each_period(q.period, count, [&](int64_t offset, int n) {
    for_each_vector(n, [&]<class Vector>(Vector, int j) {
      const Vector low = Vector::all(q.clamp.low), high = Vector::all(q.clamp.high);
      const Vector value = Vector::load(values + offset + j);
      const Vector gradient = Vector::load(dy + offset + j);
      const Vector inside = gradient.where_inside(value, low, high);
      inside.times(Vector::all(q.factor)).store(dy + offset + j);
      if (q.sums == nullptr) return;
      const Vector bound = value.clamped(low, high);
      const Vector error = rounded(bound).minus(bound).times(Vector::all(q.rounding_gain));
      const Vector limit = bound.smaller(Vector::all(q.highest_step));
      Vector::load(q.sums + j)
          .plus_product(inside, error)
          .plus_product(gradient.minus(inside), limit)
          .store(q.sums + j);
    });
  });
}

inline void weighted_sum(const float* a, float a_factor, const float* b, float b_factor, float* y,
                         int64_t count) {
  for_each_vector(count, [=]<class Vector>(Vector, int64_t i) {
    Vector::load(a + i)
        .times(Vector::all(a_factor))
        .plus(Vector::load(b + i).times(Vector::all(b_factor)))
        .store(y + i);
  });
}

inline void scaled_copy(const float* x, float factor, float* y, int64_t count, bool accumulate) {
  for_each_vector(count, [=]<class Vector>(Vector, int64_t i) {
    const Vector before = accumulate ? Vector::load(y + i) : Vector::zero();
    before.plus(Vector::load(x + i).times(Vector::all(factor))).store(y + i);
  });
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
