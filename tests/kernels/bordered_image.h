#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "coppice/kernels/image.h"
#include "coppice/kernels/window.h"

namespace coppice::testing {

/// A heap copy of an activation as the fast executors see it: bordered, with slack behind it. T is
/// uint8_t (made from int8) or float.
template <class T>
class BorderedImage {
 public:
  BorderedImage(int height, int width, int channels, int top, int bottom, int left, int right,
                T padding, T slack)
      : height_(height), width_(width), channels_(channels) {
    row_step_ = (left + width + right) * channels;
    first_ = top * row_step_ + left * channels;
    const auto span = static_cast<size_t>((top + height + bottom) * row_step_);
    values_.assign(span + kernels::kImageSlack / sizeof(T), slack);
    std::fill_n(values_.begin(), span, padding);
  }

  /// With the border that a window reads.
  static BorderedImage input_of(const kernels::Window2D& w, int channels, T padding) {
    const int bottom = (w.out_h - 1) * w.stride_h + (w.kernel_h - 1) * w.dilation_h - w.pad_top;
    const int right = (w.out_w - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w - w.pad_left;
    // The slack holds what would show in a sum if it had any weight.
    return {w.in_h,
            w.in_w,
            channels,
            w.pad_top,
            std::max(0, bottom - w.in_h + 1),
            w.pad_left,
            std::max(0, right - w.in_w + 1),
            padding,
            T(113)};
  }

  kernels::Image<T> image() { return {values_.data() + first_, row_step_, channels_}; }

  template <class Value>
  void set(const std::vector<Value>& dense) {
    for_each([&](T& at, size_t i) { at = convert<T>(dense[i]); });
  }
  template <class Value>
  std::vector<Value> get() {
    std::vector<Value> dense(static_cast<size_t>(height_ * width_ * channels_));
    for_each([&](const T& at, size_t i) { dense[i] = convert<Value>(at); });
    return dense;
  }
  /// Whether border and slack hold `value` still; true of a fresh output of this padding and slack.
  bool intact(T value) {
    std::vector<T> copy = values_;
    for_each([&](const T& at, size_t) { copy[static_cast<size_t>(&at - values_.data())] = value; });
    return std::all_of(copy.begin(), copy.end(), [=](T v) { return v == value; });
  }

 private:
  template <class To, class From>
  static To convert(From value) {
    if constexpr (sizeof(From) == 1)
      return static_cast<To>(static_cast<uint8_t>(value) ^ 0x80);
    else
      return static_cast<To>(value);
  }
  template <class Visit>
  void for_each(const Visit& visit) {
    size_t i = 0;
    for (int y = 0; y < height_; ++y) {
      for (int k = 0; k < width_ * channels_; ++k)
        visit(values_[static_cast<size_t>(first_ + y * row_step_ + k)], i++);
    }
  }

  int height_, width_, channels_;
  ptrdiff_t row_step_ = 0, first_ = 0;
  std::vector<T> values_;
};

}  // namespace coppice::testing
