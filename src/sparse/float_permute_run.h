#pragma once

#include "coppice/sparse/float_permute.h"
#include "coppice/sparse/kernel.h"
#include "kernels/simd/inline.h"

namespace coppice::sparse {

/// The fully connected layer of a FloatPermute for the vectors V.
template <class V>
void run_float_permute(const kernels::Conv2DParams& p, const void* packed,
                       const kernels::Image<const float>& x, const kernels::Image<float>& y,
                       kernels::RowRange rows) {
  using Vector = typename V::Vector;
  constexpr int kLanes = V::kLanes;
  if (rows.begin == rows.end) return;
  const auto weights = FloatPermute<kLanes>::view(p, packed);
  const Vector low = V::all(weights.head->clamp.min), high = V::all(weights.head->clamp.max);
  const auto product = [&](uint32_t step, Vector sum) COPPICE_LAMBDA {
    const float* window = x.data + weights.start[step];
    const auto places = V::load_places(weights.place + size_t{step} * kLanes);
    const Vector values = V::pick(V::load(window), V::load(window + kLanes), places);
    return V::multiply_add(values, V::load(weights.value + size_t{step} * kLanes), sum);
  };
  uint32_t step = 0;
  for (int group = 0; group < weights.groups(); ++group) {
    // Two sums: a step takes about as long as a multiply-add.
    Vector even = V::load(weights.bias + group * kLanes), odd = V::zero();
    const uint32_t end = weights.end[group];
    for (; step + 2 <= end; step += 2) {
      even = product(step, even);
      odd = product(step + 1, odd);
    }
    if (step < end) even = product(step++, even);
    float result[kLanes];
    V::store(result, V::min(V::max(V::add(even, odd), low), high));
    const uint16_t* order = weights.order + group * kLanes;
    for (int lane = 0; lane < kLanes; ++lane) {
      if (order[lane] < p.out_channels) y.data[order[lane]] = result[lane];
    }
  }
}

}  // namespace coppice::sparse
