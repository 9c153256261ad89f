#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

inline constexpr int kUpdateBlock = 256;

// Sums the lanes in their order, adds the decay and clears pruned elements.
inline void load_gradient(const Update& u, int64_t begin, int n, float* __restrict gradient) {
  for (int i = 0; i < n; ++i) gradient[i] = u.decay * u.value[begin + i];
  for (int lane = 0; lane < u.lanes; ++lane) {
    const float* __restrict from = u.gradient + lane * u.lane_stride + begin;
    for (int i = 0; i < n; ++i) gradient[i] += from[i];
  }
  if (u.mask == nullptr) return;
  for (int i = 0; i < n; ++i) gradient[i] = u.mask[begin + i] != 0 ? gradient[i] : 0.0f;
}

// An element pruned since the last step may still hold a value and momenta.
inline void clear_pruned(const Update& u, int64_t begin, int n, float* values) {
  if (u.mask == nullptr || values == nullptr) return;
  for (int i = 0; i < n; ++i) values[begin + i] = u.mask[begin + i] != 0 ? values[begin + i] : 0.0f;
}

template <class Step>
inline void for_each_update_block(const Update& u, Step step) {
  alignas(64) float gradient[kUpdateBlock];
  for (int64_t begin = 0; begin < u.count; begin += kUpdateBlock) {
    const int64_t rest = u.count - begin;
    const int n = rest < kUpdateBlock ? static_cast<int>(rest) : kUpdateBlock;
    load_gradient(u, begin, n, gradient);
    step(begin, n, gradient);
    clear_pruned(u, begin, n, u.value);
    clear_pruned(u, begin, n, u.first);
    clear_pruned(u, begin, n, u.second);
  }
}

// v = momentum * v + g; w = shrink * w - rate * v (Sutskever et al., ICML 2013, in the form that
// keeps the rate out of the momentum).
inline void sgd(const Update& u) {
  for_each_update_block(u, [&](int64_t begin, int n, const float* __restrict gradient) {
    float* __restrict value = u.value + begin;
    float* __restrict velocity = u.first + begin;
    for (int i = 0; i < n; ++i) {
      velocity[i] = multiply_add(u.momentum, velocity[i], gradient[i]);
      value[i] = value[i] * u.shrink - u.rate * velocity[i];
    }
  });
}

// Kingma & Ba, ICLR 2015; with shrink below 1 AdamW (Loshchilov & Hutter, ICLR 2019).
inline void adam(const Update& u) {
  for_each_update_block(u, [&](int64_t begin, int n, const float* gradient) {
    using Values = Eigen::Map<Eigen::ArrayXf>;
    const Eigen::Map<const Eigen::ArrayXf> g(gradient, n);
    Values value(u.value + begin, n), first(u.first + begin, n), second(u.second + begin, n);
    first = first * kAdamBeta1 + g * (1.0f - kAdamBeta1);
    second = second * kAdamBeta2 + g.square() * (1.0f - kAdamBeta2);
    value =
        value * u.shrink - u.rate * first / ((second * u.second_correction).sqrt() + kAdamEpsilon);
  });
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
