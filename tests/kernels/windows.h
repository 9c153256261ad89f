#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "coppice/kernels/window.h"

namespace coppice::testing {

/// Output size such that at least one window fits; padding reaches up to `pad` on both sides.
inline kernels::Window2D make_window(int h, int w, int kernel_h, int kernel_w, int stride,
                                     int dilation, int pad) {
  kernels::Window2D window{h,      w,      1,        1,        kernel_h, kernel_w,
                           stride, stride, dilation, dilation, pad,      pad};
  window.out_h = (h + 2 * pad - (kernel_h - 1) * dilation - 1) / stride + 1;
  window.out_w = (w + 2 * pad - (kernel_w - 1) * dilation - 1) / stride + 1;
  return window;
}

/// Calls run(window, name) over a grid of odd geometries.
template <class Run>
void for_each_window(const Run& run) {
  for (const auto& [kernel_h, kernel_w] : {std::pair{1, 1}, {3, 3}, {1, 4}, {5, 2}}) {
    for (const int stride : {1, 2, 3}) {
      for (const int dilation : {1, 2}) {
        for (const int pad : {0, 1}) {
          const std::string name =
              fmt::format("{}x{} s{} d{} p{}", kernel_h, kernel_w, stride, dilation, pad);
          run(make_window(9, 7, kernel_h, kernel_w, stride, dilation, pad), name);
        }
      }
    }
  }
  // Some windows see nothing but padding, and none sees all taps.
  run(make_window(4, 3, 3, 3, 1, 1, 4), "3x3 s1 p4");
  run(make_window(3, 4, 3, 5, 2, 2, 7), "3x5 s2 d2 p7");
}

/// The same over windows of pools: square ones, apart, touching and overlapping, in rows long
/// enough for a vector to hold several results; one that leaves a part of the image out; the whole
/// image.
template <class Run>
void for_each_pool_window(const Run& run) {
  struct Case {
    int kernel, stride, pad;
  };
  for (const auto& [kernel, stride, pad] : {Case{1, 1, 0},
                                            {2, 2, 0},
                                            {2, 2, 1},
                                            {2, 1, 0},
                                            {2, 3, 0},
                                            {3, 2, 0},
                                            {3, 2, 1},
                                            {3, 1, 1},
                                            {3, 3, 2},
                                            {4, 3, 1},
                                            {5, 1, 4}}) {
    run(make_window(9, 19, kernel, kernel, stride, 1, pad),
        fmt::format("{}x{} s{} p{}", kernel, kernel, stride, pad));
  }
  run(make_window(5, 4, 2, 3, 2, 1, 0), "2x3 s2");
  run(make_window(9, 7, 9, 7, 1, 1, 0), "whole image");
}

}  // namespace coppice::testing
