#pragma once

#include <vector>

#include "coppice/exec/lower.h"
#include "train/layer.h"
#include "train/memory.h"
#include "train/periodic.h"
#include "train/quantization.h"

namespace coppice::train {

/// What training for integers adds to a layer that requantizes: integer weights on the way forward,
/// their real values on the way back, and between sums and outputs the rounding that the kernels
/// do. In training that is its float mirror, in inference kernels::finish itself.
class QuantizedStage {
 public:
  /// `setup` is the layer's own and outlives this. The way back to weights and inputs is in real
  /// units; without weights (Add) it stays in steps of the output.
  QuantizedStage(const LayerSetup& setup, int channels);

  void prepare();
  /// The weight as integers, and times its scales; as the parameter lies.
  const float* integers() const { return integers_.data(); }
  const float* reals() const { return reals_.data(); }

  /// y: sums (Add: steps that are not rounded yet) become steps from the output's zero point.
  void forward(const Tile& tile, float* y) const;
  /// dy, by output steps, becomes the gradient that layers multiply with inputs and reals().
  /// Returns dy.
  float* backward(const Tile& tile, float* dy) const;
  /// Of the bias, on what backward() returns.
  float bias_factor() const { return 1.0f / input_scale_; }

  /// When a lane is through: gradients of weights beyond the clamp, and of their scales.
  void finish_lane(int lane) const;
  /// When all are: the ranges seen.
  void finish_batch();

 private:
  const Node& node() const { return quantization_.model().nodes[setup_.node_index]; }
  const ActivationQuantization& output() const {
    return quantization_.activation(setup_.node().output);
  }
  float* gradient(int lane, size_t node, std::string_view name) const;
  void prepare_weights();
  void clear_ranges();
  void round_exactly(const Tile& tile, float* y) const;
  template <class Requantize>
  void round_exactly(const Requantize& to, const Tile& tile, float* y) const;

  const LayerSetup& setup_;
  Quantization& quantization_;
  int channels_;
  int scale_holder_;
  float input_scale_ = 1.0f;
  Clamp clamp_;
  exec::RequantizeTable table_;
  std::vector<int32_t> bias_;
  Periodic bias_steps_, factor_;
  std::vector<float> integers_, reals_;
  AlignedFloats values_;                        // Before the clamp, of the batch.
  mutable std::vector<Periodic> lows_, highs_;  // By lane.
};

}  // namespace coppice::train
