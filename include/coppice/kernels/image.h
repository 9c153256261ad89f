#pragma once

#include <cstddef>
#include <type_traits>

namespace coppice::kernels {

/// An activation of the fast executors, seen by a kernel: channels innermost and contiguous, pixels
/// and rows at a distance that the planner chose.
///
/// - **Border.** Padding exists in memory: around the image lie as many pixels as the consumers'
///   windows reach beyond it, holding the value that padding stands for (the zero point, 0.0f). The
///   plan fills the border; a kernel reads it like any pixel, tests for no edge, and never writes
///   it.
/// - **Slack.** kImageSlack bytes behind the last pixel (border included) may be read, whatever
/// they
///   hold; none may be written.
/// - **int8 activations are uint8 here**: value ^ 0x80, zero points 128 higher, because the dot
///   products of x86 want one operand unsigned. Weights, biases and factors are the model's own; a
///   packed bias carries -(x_zero + 128) * sum(w).
template <class T>
struct Image {
  T* data = nullptr;         ///< Pixel (0, 0), channel 0.
  ptrdiff_t row_step = 0;    ///< Elements from a pixel to the one below.
  ptrdiff_t pixel_step = 0;  ///< Elements from a pixel to the one on its right.

  constexpr T* pixel(int y, int x) const { return data + y * row_step + x * pixel_step; }
  constexpr operator Image<const T>() const requires(!std::is_const_v<T>) {
    return {data, row_step, pixel_step};
  }
};

/// Bytes behind an image that a kernel may read.
inline constexpr int kImageSlack = 128;

/// Output rows that a call computes, [begin, end): what one of several threads takes.
struct RowRange {
  int begin = 0;
  int end = 0;
};

}  // namespace coppice::kernels
