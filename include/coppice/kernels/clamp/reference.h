#pragma once

namespace coppice::kernels {

/// ReLU, ReLU6 and other clamps on their own; input and output share one quantization. y may be x.
template <class T>
constexpr void clamp_ref(int count, T low, T high, const T* x, T* y) {
  for (int i = 0; i < count; ++i) y[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}

}  // namespace coppice::kernels
