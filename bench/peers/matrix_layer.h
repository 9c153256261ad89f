#pragma once

#include <string_view>
#include <vector>

#include "coppice/exec/lower.h"
#include "support/contender.h"

namespace coppice::bench {

/// A float convolution or fully connected layer as the matrix product that libraries of sparse
/// matrices can do: weight [rows, columns] times input [columns, pixels], plus bias, clamped. The
/// input is unfolded (im2col) when it is set, which is not timed: a gift to the peer.
class MatrixLayer {
 public:
  /// The only layer of the graph, or an error that says why it is no matrix product.
  static Result<MatrixLayer> make(const Graph& graph, std::string_view peer);

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  int pixels() const { return pixels_; }
  const std::vector<float>& weight() const { return weight_; }

  /// Writes the unfolded input; each of its rows has `stride` floats.
  void unfold(const Values& input, float* to, int stride) const;

  /// Sets each row of the product to its bias, or adds the bias and clamps.
  void set_bias(float* product, int stride) const;
  void add_bias_and_clamp(float* product, int stride) const;
  void clamp(float* product, int stride) const;

  /// The product in NHWC order.
  Values fold(const float* product, int stride) const;

 private:
  kernels::Window2D window_;
  int channels_ = 1, rows_ = 0, columns_ = 0, pixels_ = 1;
  std::vector<float> weight_, bias_;
  kernels::ClampFloat clamp_;
};

}  // namespace coppice::bench
