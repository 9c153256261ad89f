#pragma once

#include <cstdint>

#include "coppice/kernels/requantize.h"
#include "coppice/kernels/window.h"

namespace coppice::kernels {

/// Depthwise convolution. x: [in_h, in_w, channels], w: [kernel_h, kernel_w, channels *
/// multiplier], bias: [channels * multiplier] or null, y: [out_h, out_w, channels * multiplier].
/// Output channel c * multiplier + m reads input channel c.
struct DepthwiseConv2DParams {
  Window2D window;
  int channels = 1;    ///< Of the input.
  int multiplier = 1;  ///< Output channels an input channel.
  int32_t x_zero = 0;  ///< Zero point of x; 0 for float.

  constexpr int out_channels() const { return channels * multiplier; }
  constexpr int taps() const { return window.kernel_h * window.kernel_w; }
  /// Elements of w.
  constexpr int weights() const { return taps() * out_channels(); }
};

}  // namespace coppice::kernels
