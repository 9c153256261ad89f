#pragma once

#include <vector>

#include "coppice/graph/op.h"
#include "train/kernels.h"

namespace coppice::train {

/// The shape of a convolution of one sample: [in_h, in_w, in_channels] -> [out_h, out_w,
/// out_channels].
struct ConvolutionShape {
  int in_h = 0, in_w = 0, in_channels = 0;
  int out_h = 0, out_w = 0, out_channels = 0;
  Size2 kernel, stride, dilation;
  Padding padding;
  int groups = 1;

  int64_t in_elements() const { return int64_t{1} * in_h * in_w * in_channels; }
  int64_t out_elements() const { return int64_t{1} * out_h * out_w * out_channels; }
  int taps() const { return kernel.h * kernel.w; }
  bool padded() const { return !(padding == Padding{}); }
  int padded_h() const { return in_h + padding.top + padding.bottom; }
  int padded_w() const { return in_w + padding.left + padding.right; }
  int64_t padded_elements() const { return int64_t{1} * padded_h() * padded_w() * in_channels; }
  /// The product runs on the activations as they lie in memory.
  bool pointwise() const { return taps() == 1 && stride == Size2{1, 1} && !padded(); }
  /// Whether the gradient of the input is itself a convolution of the output's gradient with the
  /// turned kernel (stride 1, and no more padding than the kernel reaches).
  bool gradient_is_convolution() const;
  /// That convolution: channels swapped, padding = reach of the kernel - padding.
  ConvolutionShape gradient_shape() const;
};

/// The sample with its zero border, in the calling thread's scratch memory; x itself without one.
const float* pad_sample(const ConvolutionShape& shape, const float* x);
/// dx (+)= the inner part of a padded gradient.
void unpad_sample(const ConvolutionShape& shape, const float* padded, float* dx, bool accumulate);

/// How the windows of a padded sample lie in memory. Each is a few contiguous runs: the taps of a
/// kernel row are neighbours in NHWC, with all their channels.
class WindowLayout {
 public:
  explicit WindowLayout(const ConvolutionShape& shape);
  WindowLayout(const WindowLayout&) = delete;
  WindowLayout& operator=(const WindowLayout&) = delete;

  const PatchGrid& grid() const { return grid_; }
  /// Floats of a window that one group reads: KH * KW * I/groups.
  int64_t depth() const { return int64_t{1} * grid_.run_count * grid_.run; }

 private:
  std::vector<int64_t> runs_;
  PatchGrid grid_;
};

}  // namespace coppice::train
