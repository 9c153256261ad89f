#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "coppice/kernels/window.h"
#include "exec/placement.h"

namespace coppice::bench {

struct alignas(64) CacheLine {
  std::byte bytes[64];
};

/// An activation with memory of its own, as the kernels of the fast executors see it. T is uint8_t
/// (int8 ^ 0x80) or float.
template <class T>
class LayerImage {
 public:
  LayerImage(int height, int width, int channels, const exec::Border& border, T padding)
      : place_{height, width, channels, border, 0} {
    const int64_t before = border.top * place_.row_step() + border.left * place_.pixel_step();
    place_.offset = before * static_cast<int64_t>(sizeof(T));
    const auto bytes = static_cast<size_t>(place_.span()) * sizeof(T) + kernels::kImageSlack;
    memory_.resize(bytes / sizeof(CacheLine) + 1);
    std::fill_n(reinterpret_cast<T*>(memory_.data()), place_.span(), padding);
  }

  /// The input of a window, with the border that it reads.
  static LayerImage input_of(const kernels::Window2D& w, int channels, T padding) {
    const int bottom = (w.out_h - 1) * w.stride_h + (w.kernel_h - 1) * w.dilation_h - w.pad_top;
    const int right = (w.out_w - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w - w.pad_left;
    const exec::Border border{w.pad_top, std::max(0, bottom - w.in_h + 1), w.pad_left,
                              std::max(0, right - w.in_w + 1)};
    return {w.in_h, w.in_w, channels, border, padding};
  }

  kernels::Image<T> image() {
    return place_.image<T>(reinterpret_cast<std::byte*>(memory_.data()));
  }

  template <class Value>
  void set(const std::vector<Value>& dense) {
    auto from = dense.begin();
    for_each([&](T& at) { at = convert<T>(*from++); });
  }
  template <class Value>
  std::vector<Value> get() {
    std::vector<Value> dense;
    for_each([&](const T& at) { dense.push_back(convert<Value>(at)); });
    return dense;
  }

 private:
  template <class To, class From>
  static To convert(From value) {
    if constexpr (std::is_same_v<T, float>) return value;
    return static_cast<To>(static_cast<uint8_t>(value) ^ 0x80);
  }
  template <class Visit>
  void for_each(const Visit& visit) {
    const kernels::Image<T> all = image();
    for (int y = 0; y < place_.height; ++y) {
      for (int i = 0; i < place_.width * place_.channels; ++i) visit(all.pixel(y, 0)[i]);
    }
  }

  exec::Place place_;
  std::vector<CacheLine> memory_;
};

}  // namespace coppice::bench
