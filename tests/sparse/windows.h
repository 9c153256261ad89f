#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "coppice/kernels/window.h"

namespace coppice::testing {

inline kernels::Window2D make_window(int in_h, int in_w, int kernel_h, int kernel_w, int stride,
                                     int dilation, int pad) {
  kernels::Window2D window{in_h,   in_w,   1,        1,        kernel_h, kernel_w,
                           stride, stride, dilation, dilation, pad,      pad};
  window.out_h = (in_h + 2 * pad - (kernel_h - 1) * dilation - 1) / stride + 1;
  window.out_w = (in_w + 2 * pad - (kernel_w - 1) * dilation - 1) / stride + 1;
  return window;
}

/// Calls check(window, name) for odd windows over an image of 9 x 7.
template <class Check>
void for_each_window(const Check& check) {
  for (const auto& [kernel_h, kernel_w] : {std::pair{1, 1}, {3, 3}, {1, 4}, {5, 2}}) {
    for (const int stride : {1, 2, 3}) {
      for (const int dilation : {1, 2}) {
        for (const int pad : {0, 1, 3}) {
          const auto name =
              fmt::format("{}x{} s{} d{} p{}", kernel_h, kernel_w, stride, dilation, pad);
          SCOPED_TRACE(name);
          check(make_window(9, 7, kernel_h, kernel_w, stride, dilation, pad), name);
        }
      }
    }
  }
}

}  // namespace coppice::testing
