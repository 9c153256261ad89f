#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

inline int larger(int a, int b) { return a > b ? a : b; }
inline int smaller(int a, int b) { return a < b ? a : b; }

// Calls body(output pixel, first row, end row, first column, end column) with each window clipped
// to the input.
template <class Body>
inline void for_each_window(const PoolGrid& grid, Body body) {
  for (int oh = 0, pixel = 0; oh < grid.out_h; ++oh) {
    const int top = oh * grid.stride_h - grid.pad_top;
    const int h0 = larger(top, 0), h1 = smaller(top + grid.kernel_h, grid.in_h);
    for (int ow = 0; ow < grid.out_w; ++ow, ++pixel) {
      const int left = ow * grid.stride_w - grid.pad_left;
      body(pixel, h0, h1, larger(left, 0), smaller(left + grid.kernel_w, grid.in_w));
    }
  }
}

// argmax holds the input pixel; the first of equal values wins.
inline void max_pool(const PoolGrid& grid, const float* x, float* y, int32_t* argmax) {
  const int channels = grid.channels;
  for_each_window(grid, [&](int pixel, int h0, int h1, int w0, int w1) {
    float* __restrict best = y + static_cast<int64_t>(pixel) * channels;
    int32_t* __restrict place = argmax + static_cast<int64_t>(pixel) * channels;
    const int first = h0 * grid.in_w + w0;
    for (int c = 0; c < channels; ++c) {
      best[c] = x[static_cast<int64_t>(first) * channels + c];
      place[c] = first;
    }
    for (int h = h0; h < h1; ++h) {
      for (int w = w0; w < w1; ++w) {
        const int32_t here = h * grid.in_w + w;
        const float* __restrict in = x + static_cast<int64_t>(here) * channels;
        for (int c = 0; c < channels; ++c) {
          const bool more = in[c] > best[c];
          best[c] = more ? in[c] : best[c];
          place[c] = more ? here : place[c];
        }
      }
    }
  });
}

inline void max_pool_backward(const PoolGrid& grid, const float* dy, const int32_t* argmax,
                              float* dx) {
  const int64_t count = static_cast<int64_t>(grid.out_h) * grid.out_w;
  for (int64_t pixel = 0; pixel < count; ++pixel) {
    for (int c = 0; c < grid.channels; ++c) {
      const int64_t i = pixel * grid.channels + c;
      dx[static_cast<int64_t>(argmax[i]) * grid.channels + c] += dy[i];
    }
  }
}

inline void avg_pool(const PoolGrid& grid, const float* x, float* y) {
  const int channels = grid.channels;
  for_each_window(grid, [&](int pixel, int h0, int h1, int w0, int w1) {
    float* __restrict mean = y + static_cast<int64_t>(pixel) * channels;
    for (int c = 0; c < channels; ++c) mean[c] = 0.0f;
    for (int h = h0; h < h1; ++h) {
      for (int w = w0; w < w1; ++w) {
        const float* __restrict in = x + (static_cast<int64_t>(h) * grid.in_w + w) * channels;
        for (int c = 0; c < channels; ++c) mean[c] += in[c];
      }
    }
    const float factor = 1.0f / static_cast<float>((h1 - h0) * (w1 - w0));
    for (int c = 0; c < channels; ++c) mean[c] *= factor;
  });
}

inline void avg_pool_backward(const PoolGrid& grid, const float* dy, float* dx) {
  const int channels = grid.channels;
  for_each_window(grid, [&](int pixel, int h0, int h1, int w0, int w1) {
    const float* __restrict gradient = dy + static_cast<int64_t>(pixel) * channels;
    const float factor = 1.0f / static_cast<float>((h1 - h0) * (w1 - w0));
    for (int h = h0; h < h1; ++h) {
      for (int w = w0; w < w1; ++w) {
        float* __restrict in = dx + (static_cast<int64_t>(h) * grid.in_w + w) * channels;
        for (int c = 0; c < channels; ++c) in[c] += gradient[c] * factor;
      }
    }
  });
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
