#pragma once

#include "coppice/exec/lower.h"
#include "coppice/quant/calibration.h"

namespace coppice::quant {

/// A layer with weights as products of matrices: for each group, outputs [rows, outputs] = patches
/// [rows, depth] times weights [outputs, depth] transposed. A depthwise layer has a group for each
/// output channel.
class LayerProducts {
 public:
  LayerProducts(const Graph& graph, const Node& node);

  int groups() const { return groups_; }
  int outputs() const { return outputs_; }  ///< Of a group.
  int depth() const { return depth_; }
  int pixels() const { return pixels_; }  ///< Of the layer's output.

  /// The output channel and the weight's element of a group's product.
  size_t channel(int group, int output) const {
    return static_cast<size_t>(group * outputs_ + output);
  }
  size_t element(int group, int output, int k) const;
  /// The inputs that one output pixel of a group multiplies; zeros for padding.
  void gather(const float* x, int group, int pixel, float* row) const;

 private:
  kernels::Window2D window_;
  bool depthwise_ = false;
  int groups_ = 1, outputs_ = 1, depth_ = 1, pixels_ = 1;
  int in_channels_ = 1, multiplier_ = 1;
};

/// Patches of some output pixels of all samples, [group][row][depth]. Each block of as many rows as
/// there are samples holds one row of each.
struct Patches {
  int rows = 0;
  std::vector<float> values;
  const float* of(const LayerProducts& products, int group) const {
    return values.data() + int64_t{group} * rows * products.depth();
  }
};

/// What the layers `nodes` of a graph (float or quantized) read when it runs on the samples, in
/// real numbers; about 2048 rows a layer, the same pixels for the same seed.
Result<std::vector<Patches>> collect_patches(const Graph& graph, const Samples& samples,
                                             const std::vector<size_t>& nodes, uint64_t seed);

/// The nodes with weights, in order.
std::vector<size_t> weighted_nodes(const Graph& graph);

}  // namespace coppice::quant
