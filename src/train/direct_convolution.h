#pragma once

#include <vector>

#include "train/convolution.h"

namespace coppice::train {

/// Convolutions without groups, straight on the padded samples. On Zen 4 the inner loops run at the
/// peak of the multiply-adds (116 GFLOP/s a core), where patches and Eigen's packed product reach
/// 55 to 85 % of it.
class DirectConvolution {
 public:
  DirectConvolution(const ConvolutionShape& shape, const Kernels& kernels);

  /// Takes over weights [O, KH, KW, I] as [KH, KW, I, O].
  void set_weight(const float* weight);
  /// Takes over weights [I, KH, KW, O] of the convolution whose input gradient this one computes,
  /// turned by 180 degrees.
  void set_turned_weight(const float* weight);

  /// y (+)= x * weight for `count` samples.
  void forward(const float* x, float* y, int count, bool accumulate) const;
  /// dweight [O, KH, KW, I] += patches(x)^T dy.
  void weight_gradient(const float* x, const float* dy, float* dweight, int count) const;

 private:
  void sample_weight_gradient(const float* padded, const float* dy, float* dweight) const;

  ConvolutionShape shape_;
  const Kernels& kernels_;
  WindowLayout layout_;
  int64_t weight_row_;  // O, rounded up to kWeightAlignment.
  std::vector<float> weight_;
};

}  // namespace coppice::train
