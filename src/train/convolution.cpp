#include "train/convolution.h"

#include <algorithm>

#include "train/memory.h"

namespace coppice::train {

bool ConvolutionShape::gradient_is_convolution() const {
  const int reach_h = (kernel.h - 1) * dilation.h, reach_w = (kernel.w - 1) * dilation.w;
  return stride == Size2{1, 1} && padding.top <= reach_h && padding.bottom <= reach_h &&
         padding.left <= reach_w && padding.right <= reach_w;
}

ConvolutionShape ConvolutionShape::gradient_shape() const {
  const int reach_h = (kernel.h - 1) * dilation.h, reach_w = (kernel.w - 1) * dilation.w;
  ConvolutionShape turned = *this;
  std::swap(turned.in_h, turned.out_h);
  std::swap(turned.in_w, turned.out_w);
  std::swap(turned.in_channels, turned.out_channels);
  turned.padding = {reach_h - padding.top, reach_h - padding.bottom, reach_w - padding.left,
                    reach_w - padding.right};
  return turned;
}

const float* pad_sample(const ConvolutionShape& shape, const float* x) {
  if (!shape.padded()) return x;
  const auto row = static_cast<size_t>(shape.in_w * shape.in_channels);
  const auto left = static_cast<size_t>(shape.padding.left * shape.in_channels);
  const auto right = static_cast<size_t>(shape.padding.right * shape.in_channels);
  const size_t padded_row = left + row + right;
  float* to = scratch(Scratch::kPadded, static_cast<size_t>(shape.padded_elements()));
  const float* padded = to;
  to = std::fill_n(to, static_cast<size_t>(shape.padding.top) * padded_row, 0.0f);
  for (int h = 0; h < shape.in_h; ++h, x += row) {
    to = std::fill_n(to, left, 0.0f);
    to = std::copy_n(x, row, to);
    to = std::fill_n(to, right, 0.0f);
  }
  std::fill_n(to, static_cast<size_t>(shape.padding.bottom) * padded_row, 0.0f);
  return padded;
}

void unpad_sample(const ConvolutionShape& shape, const float* padded, float* dx, bool accumulate) {
  const int row = shape.in_w * shape.in_channels;
  const int padded_row = shape.padded_w() * shape.in_channels;
  padded += shape.padding.top * padded_row + shape.padding.left * shape.in_channels;
  for (int h = 0; h < shape.in_h; ++h, padded += padded_row, dx += row) {
    if (!accumulate) {
      std::copy_n(padded, row, dx);
      continue;
    }
    for (int i = 0; i < row; ++i) dx[i] += padded[i];
  }
}

WindowLayout::WindowLayout(const ConvolutionShape& shape) {
  const int channels = shape.in_channels / shape.groups;
  const bool whole_rows = shape.groups == 1 && shape.dilation.w == 1;
  const int64_t row = int64_t{1} * shape.padded_w() * shape.in_channels;
  for (int h = 0; h < shape.kernel.h; ++h) {
    for (int w = 0; w < (whole_rows ? 1 : shape.kernel.w); ++w) {
      runs_.push_back(h * shape.dilation.h * row +
                      int64_t{1} * w * shape.dilation.w * shape.in_channels);
    }
  }
  grid_.out_w = shape.out_w;
  grid_.row_step = shape.stride.h * row;
  grid_.pixel_step = int64_t{1} * shape.stride.w * shape.in_channels;
  grid_.runs = runs_.data();
  grid_.run_count = static_cast<int>(runs_.size());
  grid_.run = whole_rows ? shape.kernel.w * channels : channels;
}

}  // namespace coppice::train
