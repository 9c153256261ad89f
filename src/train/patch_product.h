#pragma once

#include "train/convolution.h"

namespace coppice::train {

/// Convolutions as matrix products over rows of patches: patch [rows, KH * KW * I/groups] times
/// weight [O/groups, the same], a block of rows that fits the second-level cache at a time. For
/// groups, and for the input's gradient at strides above 1.
class PatchProduct {
 public:
  PatchProduct(const ConvolutionShape& shape, const Kernels& kernels);

  /// y (+)= x * weight for `count` samples. weight [O, KH, KW, I/groups].
  void forward(const float* x, const float* weight, float* y, int count, bool accumulate) const;
  /// dweight += patches(x)^T dy.
  void weight_gradient(const float* x, const float* dy, float* dweight, int count) const;
  /// dx (+)= dy * weight, scattered to the patches' places: right for any stride.
  void input_gradient(const float* dy, const float* weight, float* dx, int count,
                      bool accumulate) const;

 private:
  // Calls body(group, first row, end row) for the blocks of one sample.
  template <class Body>
  void for_each_block(Body body) const;
  float* columns() const;

  ConvolutionShape shape_;
  const Kernels& kernels_;
  WindowLayout layout_;
  int in_group_, out_group_;  // Channels of a group.
  int64_t depth_;             // Columns of the patch matrix.
  int block_rows_;            // Output rows whose patches are gathered at a time.
};

}  // namespace coppice::train
