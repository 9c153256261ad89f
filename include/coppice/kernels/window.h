#pragma once

namespace coppice::kernels {

/// Geometry of a sliding window over an image; all sizes in pixels.
struct Window2D {
  int in_h = 1, in_w = 1;
  int out_h = 1, out_w = 1;
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int dilation_h = 1, dilation_w = 1;
  int pad_top = 0,
      pad_left = 0;  ///< What lies beyond the bottom and right edge follows from out_*.
};

/// Calls visit(tap, pixel) for each place of the window at output (oy, ox) that lies inside the
/// image: tap = ky * kernel_w + kx, pixel = iy * in_w + ix. Padding contributes nothing.
template <class Visit>
constexpr void for_each_tap(const Window2D& window, int oy, int ox, Visit&& visit) {
  for (int ky = 0; ky < window.kernel_h; ++ky) {
    const int iy = oy * window.stride_h - window.pad_top + ky * window.dilation_h;
    if (iy < 0 || iy >= window.in_h) continue;
    for (int kx = 0; kx < window.kernel_w; ++kx) {
      const int ix = ox * window.stride_w - window.pad_left + kx * window.dilation_w;
      if (ix < 0 || ix >= window.in_w) continue;
      visit(ky * window.kernel_w + kx, iy * window.in_w + ix);
    }
  }
}

/// Channels that a plain kernel accumulates at a time (256 bytes of stack).
inline constexpr int kRowChannels = 64;

}  // namespace coppice::kernels
