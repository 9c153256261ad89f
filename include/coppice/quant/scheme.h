#pragma once

#include <vector>

#include "coppice/graph/graph.h"
#include "coppice/quant/calibration.h"

// The TFLite quantization specification, piece by piece: what quantize() puts together, and what
// quantization-aware training shares with it.

namespace coppice::quant {

/// Largest integer of symmetric weights: 127, 7 or 1 for 8, 4 or 2 bits.
constexpr int weight_limit(int bits) { return (1 << (bits - 1)) - 1; }

/// Asymmetric 8-bit quantization of a range: widened to hold 0, 255 steps, the zero point the
/// integer nearest to real 0. A range of nothing but 0 gets the scale 1.
ActivationQuantization choose_activation(Range range);

/// The axis of output channels: the last of a depthwise weight, the first of the others.
int channel_axis(const Op& op);

/// Quantizes a weight symmetrically: scale = max |w| / weight_limit(bits), per index of `axis` or
/// (axis -1) for all. `min_scales` are lower bounds (one, or one a channel; all positive): they
/// keep the bias within 32 bits, and give a channel without any weight a usable scale.
void quantize_weight(Parameter& weight, int bits, int axis, const std::vector<float>& min_scales);

/// Quantizes a bias to int32 with the scale x_scale * weight scale, by channel.
void quantize_bias(Parameter& bias, float x_scale, const std::vector<float>& weight_scales);

/// Lower bounds of the weight scales of a layer (see quantize_weight). `bias` may be null.
std::vector<float> min_weight_scales(const Parameter& weight, const Parameter* bias, float x_scale,
                                     int axis);

/// For each tensor the lowest index of the tensors that must share its quantization: those on both
/// sides of pools, reshapes, clamps and concatenations.
std::vector<int> sharing_groups(const Graph& graph);

}  // namespace coppice::quant
