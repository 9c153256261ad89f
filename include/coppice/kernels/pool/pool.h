#pragma once

#include "coppice/kernels/window.h"

namespace coppice::kernels {

/// Pooling. x: [in_h, in_w, channels], y: [out_h, out_w, channels], of one quantization. Values are
/// clamped to [min, max].
template <class T>
struct PoolParams {
  Window2D window;  ///< Dilation must be 1. Each window covers at least one pixel of the image.
  int channels = 1;
  T min{};
  T max{};
};

/// The window of a global pooling over an h x w image.
constexpr Window2D whole_image(int h, int w) {
  return {.in_h = h, .in_w = w, .kernel_h = h, .kernel_w = w};
}

}  // namespace coppice::kernels
