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

PatchProduct::PatchProduct(const ConvolutionShape& shape, const Kernels& kernels)
    : shape_(shape), kernels_(kernels) {
  const int channels = shape.in_channels / shape.groups;
  // The taps of a kernel row are contiguous in NHWC memory.
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
  depth_ = int64_t{1} * shape.taps() * channels;
  constexpr int64_t kBlockFloats = 32 * 1024;  // 128 KiB: with its packed copy half of 512 KiB.
  block_rows_ =
      static_cast<int>(std::clamp<int64_t>(kBlockFloats / (depth_ * shape.out_w), 1, shape.out_h));
}

// Calls body(group, first row, end row) for the blocks of one sample.
template <class Body>
void PatchProduct::for_each_block(Body body) const {
  for (int begin = 0; begin < shape_.out_h; begin += block_rows_) {
    const int end = std::min(begin + block_rows_, shape_.out_h);
    for (int group = 0; group < shape_.groups; ++group) body(group, begin, end);
  }
}

void PatchProduct::forward(const float* x, const float* weight, float* y, int count,
                           bool accumulate) const {
  const int in_group = shape_.in_channels / shape_.groups;
  const int out_group = shape_.out_channels / shape_.groups;
  const int64_t outputs = shape_.out_channels;
  if (shape_.pointwise()) {
    const int64_t rows = int64_t{1} * count * shape_.out_h * shape_.out_w;
    for (int g = 0; g < shape_.groups; ++g) {
      kernels_.gemm_nt({rows, out_group, depth_, x + g * in_group, shape_.in_channels,
                        weight + g * out_group * depth_, depth_, y + g * out_group, outputs,
                        accumulate});
    }
    return;
  }
  float* columns =
      scratch(Scratch::kColumns, static_cast<size_t>(block_rows_ * shape_.out_w * depth_));
  for (int i = 0; i < count; ++i, x += shape_.in_elements(), y += shape_.out_elements()) {
    const float* padded = pad_sample(shape_, x);
    for_each_block([&](int g, int begin, int end) {
      kernels_.gather(grid_, padded + g * in_group, begin, end, columns);
      kernels_.gemm_nt({int64_t{1} * (end - begin) * shape_.out_w, out_group, depth_, columns,
                        depth_, weight + g * out_group * depth_, depth_,
                        y + begin * shape_.out_w * outputs + g * out_group, outputs, accumulate});
    });
  }
}

void PatchProduct::weight_gradient(const float* x, const float* dy, float* dweight,
                                   int count) const {
  const int in_group = shape_.in_channels / shape_.groups;
  const int out_group = shape_.out_channels / shape_.groups;
  const int64_t outputs = shape_.out_channels;
  if (shape_.pointwise()) {
    const int64_t rows = int64_t{1} * count * shape_.out_h * shape_.out_w;
    for (int g = 0; g < shape_.groups; ++g) {
      kernels_.gemm_tn({out_group, depth_, rows, dy + g * out_group, outputs, x + g * in_group,
                        shape_.in_channels, dweight + g * out_group * depth_, depth_, true});
    }
    return;
  }
  float* columns =
      scratch(Scratch::kColumns, static_cast<size_t>(block_rows_ * shape_.out_w * depth_));
  for (int i = 0; i < count; ++i, x += shape_.in_elements(), dy += shape_.out_elements()) {
    const float* padded = pad_sample(shape_, x);
    for_each_block([&](int g, int begin, int end) {
      kernels_.gather(grid_, padded + g * in_group, begin, end, columns);
      kernels_.gemm_tn({out_group, depth_, int64_t{1} * (end - begin) * shape_.out_w,
                        dy + begin * shape_.out_w * outputs + g * out_group, outputs, columns,
                        depth_, dweight + g * out_group * depth_, depth_, true});
    });
  }
}

void PatchProduct::input_gradient(const float* dy, const float* weight, float* dx, int count,
                                  bool accumulate) const {
  const int in_group = shape_.in_channels / shape_.groups;
  const int out_group = shape_.out_channels / shape_.groups;
  const int64_t outputs = shape_.out_channels;
  if (shape_.pointwise()) {
    const int64_t rows = int64_t{1} * count * shape_.out_h * shape_.out_w;
    for (int g = 0; g < shape_.groups; ++g) {
      kernels_.gemm_nn({rows, depth_, out_group, dy + g * out_group, outputs,
                        weight + g * out_group * depth_, depth_, dx + g * in_group,
                        shape_.in_channels, accumulate});
    }
    return;
  }
  const auto padded_size = static_cast<size_t>(shape_.padded_elements());
  float* columns =
      scratch(Scratch::kColumns, static_cast<size_t>(block_rows_ * shape_.out_w * depth_));
  float* padded = scratch(Scratch::kPadded, padded_size);
  for (int i = 0; i < count; ++i, dx += shape_.in_elements(), dy += shape_.out_elements()) {
    std::fill_n(padded, padded_size, 0.0f);
    for_each_block([&](int g, int begin, int end) {
      kernels_.gemm_nn({int64_t{1} * (end - begin) * shape_.out_w, depth_, out_group,
                        dy + begin * shape_.out_w * outputs + g * out_group, outputs,
                        weight + g * out_group * depth_, depth_, columns, depth_, false});
      kernels_.scatter(grid_, columns, begin, end, padded + g * in_group);
    });
    unpad_sample(shape_, padded, dx, accumulate);
  }
}

}  // namespace coppice::train
