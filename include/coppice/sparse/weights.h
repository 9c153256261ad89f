#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/kernels/conv2d/conv2d.h"
#include "coppice/kernels/depthwise_conv2d/depthwise_conv2d.h"
#include "coppice/kernels/fully_connected/fully_connected.h"

namespace coppice::sparse {

/// Dense weights as the packers read them: [rows, taps, depth]. A row holds the weights of one
/// output channel; column = tap * depth + input channel.
template <class T>
struct DenseWeights {
  const T* data = nullptr;
  int rows = 0;
  int taps = 1;
  int depth = 1;
  ptrdiff_t row_step = 0;     ///< Elements from a row to the next.
  ptrdiff_t column_step = 1;  ///< Elements from a column to the next.

  constexpr int columns() const { return taps * depth; }
  constexpr T operator()(int row, int column) const {
    return data[row * row_step + column * column_step];
  }
  constexpr T operator()(int row, int tap, int channel) const {
    return (*this)(row, tap * depth + channel);
  }
};

/// OHWI weights of a convolution.
template <class T>
constexpr DenseWeights<T> dense_weights(const kernels::Conv2DParams& p, const T* w) {
  const int depth = p.in_per_group();
  return {w, p.out_channels, p.taps(), depth, ptrdiff_t{p.taps()} * depth, 1};
}
/// HWC weights of a depthwise convolution: one input channel a row.
template <class T>
constexpr DenseWeights<T> dense_weights(const kernels::DepthwiseConv2DParams& p, const T* w) {
  return {w, p.out_channels(), p.taps(), 1, 1, p.out_channels()};
}
/// OI weights of a fully connected layer.
template <class T>
constexpr DenseWeights<T> dense_weights(const kernels::FullyConnectedParams& p, const T* w) {
  return {w, p.out_features, 1, p.in_features, p.in_features, 1};
}

/// A depthwise or fully connected layer as the convolution that it is; `dense_weights` of the
/// original layer are the weights of the result.
constexpr kernels::Conv2DParams as_conv2d(const kernels::DepthwiseConv2DParams& p) {
  return {p.window, p.channels, p.out_channels(), p.channels, p.x_zero};
}
constexpr kernels::Conv2DParams as_conv2d(const kernels::FullyConnectedParams& p) {
  return {{}, p.in_features, p.out_features, 1, p.x_zero};
}
constexpr kernels::Conv2DParams as_conv2d(const kernels::Conv2DParams& p) { return p; }

template <class T>
constexpr int64_t count_nonzeros(const DenseWeights<T>& w) {
  int64_t count = 0;
  for (int row = 0; row < w.rows; ++row) {
    for (int column = 0; column < w.columns(); ++column) count += w(row, column) != T{0};
  }
  return count;
}

}  // namespace coppice::sparse
