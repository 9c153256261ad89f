#pragma once

#include <cstdint>

#include "coppice/kernels/requantize.h"
#include "coppice/kernels/window.h"

namespace coppice::kernels {

/// Convolution. x: [in_h, in_w, in_channels], w: [out_channels, kernel_h, kernel_w,
/// in_channels / groups], bias: [out_channels] or null, y: [out_h, out_w, out_channels].
struct Conv2DParams {
  Window2D window;
  int in_channels = 1;
  int out_channels = 1;
  int groups = 1;      ///< Divides both channel counts.
  int32_t x_zero = 0;  ///< Zero point of x; 0 for float.

  // Divisions are a tenth of the time of a small fully connected layer.
  constexpr int in_per_group() const { return groups == 1 ? in_channels : in_channels / groups; }
  constexpr int out_per_group() const { return groups == 1 ? out_channels : out_channels / groups; }
  constexpr int taps() const { return window.kernel_h * window.kernel_w; }
  /// Elements of w.
  constexpr int weights() const { return out_channels * taps() * in_per_group(); }
};

}  // namespace coppice::kernels
