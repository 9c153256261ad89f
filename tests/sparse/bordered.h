#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "coppice/kernels/conv2d/conv2d.h"
#include "coppice/kernels/image.h"

namespace coppice::testing {

/// Memory in whole cache lines.
class AlignedBytes {
 public:
  explicit AlignedBytes(size_t bytes, uint8_t fill = 0) : lines_(bytes / 64 + 1) {
    std::memset(data(), fill, lines_.size() * 64);
  }
  uint8_t* data() { return lines_.front().bytes; }

 private:
  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  std::vector<Line> lines_;
};

/// int8 pixels as the fast executors see them: uint8, inside a border that holds the zero point and
/// is as wide as the window reaches.
class BorderedImage {
 public:
  BorderedImage(const kernels::Conv2DParams& p, const std::vector<int8_t>& x)
      : width_(p.window.in_w + 2 * kBorder), memory_(bytes(p), 0x5a) {
    const auto& window = p.window;
    std::fill_n(memory_.data(), bytes(p) - kernels::kImageSlack,
                static_cast<uint8_t>(p.x_zero + 128));
    image_ = {memory_.data() + (kBorder * width_ + kBorder) * p.in_channels,
              ptrdiff_t{width_} * p.in_channels, p.in_channels};
    for (int row = 0; row < window.in_h; ++row) {
      for (int i = 0; i < window.in_w * p.in_channels; ++i) {
        image_.data[row * image_.row_step + i] = static_cast<uint8_t>(
            x[static_cast<size_t>(row * window.in_w * p.in_channels + i)] ^ 0x80);
      }
    }
  }
  kernels::Image<const uint8_t> image() const { return image_; }

 private:
  static constexpr int kBorder = 12;
  size_t bytes(const kernels::Conv2DParams& p) const {
    return static_cast<size_t>((p.window.in_h + 2 * kBorder) * width_ * p.in_channels +
                               kernels::kImageSlack);
  }

  int width_;
  AlignedBytes memory_;
  kernels::Image<uint8_t> image_;
};

}  // namespace coppice::testing
