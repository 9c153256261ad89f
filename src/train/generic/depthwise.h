#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

/// A 3x3 window is the common one: its nine weights stay in registers.
inline constexpr int kCommonTaps = 9;

// One vector of channels of all pixels. kTaps is 0 when their number is known only at run time.
template <int kTaps, class Vector>
inline void depthwise_channels(const WindowGrid& grid, const float* x, const float* weight,
                               float* y, bool accumulate) {
  const int taps = kTaps > 0 ? kTaps : grid.tap_count;
  Vector kept[kTaps > 0 ? kTaps : 1];
  for (int t = 0; t < kTaps; ++t) kept[t] = Vector::load(weight + t * grid.channels);
  for (int h = 0; h < grid.out_h; ++h) {
    const float* window = x + h * grid.row_step;
    for (int w = 0; w < grid.out_w; ++w, window += grid.pixel_step, y += grid.channels) {
      Vector sum = accumulate ? Vector::load(y) : Vector::zero();
      for (int t = 0; t < taps; ++t) {
        const Vector factor =
            kTaps > 0 ? kept[kTaps > 0 ? t : 0] : Vector::load(weight + t * grid.channels);
        sum = sum.plus_product(Vector::load(window + grid.taps[t]), factor);
      }
      sum.store(y);
    }
  }
}

inline void depthwise(const WindowGrid& grid, const float* x, const float* weight, float* y,
                      bool accumulate) {
  for_each_vector(grid.channels, [&]<class Vector>(Vector, int c) {
    if (grid.tap_count == kCommonTaps) {
      depthwise_channels<kCommonTaps, Vector>(grid, x + c, weight + c, y + c, accumulate);
    } else {
      depthwise_channels<0, Vector>(grid, x + c, weight + c, y + c, accumulate);
    }
  });
}

// The gradients of kTaps weights, beginning at tap `first`, of one vector of channels.
template <int kTaps, class Vector>
inline void depthwise_weight_taps(const WindowGrid& grid, int first, const float* x,
                                  const float* dy, float* dweight) {
  Vector sums[kTaps];
  for (int t = 0; t < kTaps; ++t) sums[t] = Vector::load(dweight + (first + t) * grid.channels);
  for (int h = 0; h < grid.out_h; ++h) {
    const float* window = x + h * grid.row_step;
    for (int w = 0; w < grid.out_w; ++w, window += grid.pixel_step, dy += grid.channels) {
      const Vector gradient = Vector::load(dy);
      for (int t = 0; t < kTaps; ++t) {
        sums[t] = sums[t].plus_product(Vector::load(window + grid.taps[first + t]), gradient);
      }
    }
  }
  for (int t = 0; t < kTaps; ++t) sums[t].store(dweight + (first + t) * grid.channels);
}

inline void depthwise_weight(const WindowGrid& grid, const float* x, const float* dy,
                             float* dweight) {
  for_each_vector(grid.channels, [&]<class Vector>(Vector, int c) {
    int t = 0;
    for (; t + kCommonTaps <= grid.tap_count; t += kCommonTaps) {
      depthwise_weight_taps<kCommonTaps, Vector>(grid, t, x + c, dy + c, dweight + c);
    }
    for (; t < grid.tap_count; ++t) {
      depthwise_weight_taps<1, Vector>(grid, t, x + c, dy + c, dweight + c);
    }
  });
}

inline void depthwise_scatter(const WindowGrid& grid, const float* dy, const float* weight,
                              float* x) {
  for_each_vector(grid.channels, [&]<class Vector>(Vector, int c) {
    const float* gradient = dy + c;
    for (int h = 0; h < grid.out_h; ++h) {
      float* window = x + c + h * grid.row_step;
      for (int w = 0; w < grid.out_w; ++w) {
        const Vector g = Vector::load(gradient);
        for (int t = 0; t < grid.tap_count; ++t) {
          float* place = window + grid.taps[t];
          Vector::load(place)
              .plus_product(g, Vector::load(weight + c + t * grid.channels))
              .store(place);
        }
        window += grid.pixel_step;
        gradient += grid.channels;
      }
    }
  });
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
