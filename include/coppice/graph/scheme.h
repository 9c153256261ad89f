#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "coppice/graph/graph.h"

// The TensorFlow Lite quantization specification and its neighbours, piece by piece: what
// post-training quantization puts together, and what training with fake quantization shares with
// it (docs/quantization.md).

namespace coppice {

/// The interval of real numbers that the integers of a tensor span.
struct Range {
  float min = 0.0f;
  float max = 0.0f;
};

/// The integers that a value may take, both ends included.
struct IntegerRange {
  int32_t low = -128;
  int32_t high = 127;
};

/// Which real numbers may be scales.
enum class ScaleKind {
  kAffine,      ///< Any.
  kPowerOfTwo,  ///< 2^n, rounded up: requantization is a shift (Qm.n of NNoM and MicroAI).
};

/// How weights become integers.
struct WeightFormat {
  int bits = 8;  ///< 8 .. 2, or 1 with WeightRange::kBinary. Stored in 8, 4 or 2.
  WeightRange range = WeightRange::kNarrow;
  ScaleKind scales = ScaleKind::kAffine;
  /// Input channels that share a small integer factor of the channel's scale (two-level scales of
  /// Dai et al., "VS-Quant", MLSys 2021). 0: none. Depthwise weights, with one input channel each,
  /// ignore it.
  int group_size = 0;
};

/// How symmetric activations, and those of other widths, are quantized.
struct ActivationFormat {
  /// 8, or 4 or 2, which take the low integers of an int8, or 16, which are symmetric always.
  int bits = 8;
  bool symmetric = false;
  ScaleKind scales = ScaleKind::kAffine;
};

/// How the scale of a group of weights follows from them.
enum class WeightScale {
  kMax,  ///< The largest magnitude is the largest integer; binary: the mean magnitude.
  kMse,  ///< Least squared error, searched over 80 fractions of kMax.
};

/// Largest integer of narrow weights: 127, 7 or 1 for 8, 4 or 2 bits.
constexpr int weight_limit(int bits) { return (1 << (bits - 1)) - 1; }
IntegerRange weight_integers(int bits, WeightRange range);
/// Of activations: [-32768, 32767], [-128, 127], [-8, 7], [-2, 1].
constexpr IntegerRange activation_integers(int bits) {
  return {-(1 << (bits - 1)), (1 << (bits - 1)) - 1};
}
/// The width that holds so many bits: 8, 4 or 2.
constexpr int container_bits(int bits) { return bits > 4 ? 8 : bits > 2 ? 4 : 2; }

/// Quantization of a range: widened to hold 0, the zero point the integer nearest to real 0. A
/// range of nothing but 0 gets the scale 1.
ActivationQuantization choose_activation(Range range, const ActivationFormat& format = {});

/// What a softmax yields: 1/256 from -128 on, 1/32768 from 0 on with 16 bits.
ActivationQuantization softmax_output(int bits);

/// The axis of output channels: the last of a depthwise weight, the first of the others.
int channel_axis(const Op& op);

/// Number of scales along an axis; -1: one.
size_t scale_count(const Shape& shape, int axis);

/// Calls visit(channel, index) for each element in order; axis -1 has one channel.
template <class Visit>
void for_each_element(const Shape& shape, int axis, Visit&& visit) {
  const auto elements = static_cast<size_t>(shape.elements());
  const size_t channels = axis < 0 ? 1 : static_cast<size_t>(shape[axis]);
  size_t inner = axis < 0 ? elements : 1;
  for (int a = axis + 1; axis >= 0 && a < shape.rank(); ++a) inner *= static_cast<size_t>(shape[a]);
  for (size_t i = 0; i < elements;) {
    for (size_t channel = 0; channel < channels; ++channel) {
      for (const size_t end = i + inner; i < end; ++i) visit(channel, i);
    }
  }
}

inline bool is_kept(const Parameter& parameter, size_t i) {
  return parameter.mask.empty() || parameter.mask[i] != 0;
}

/// The integer nearest to value / scale, halves away from zero.
int32_t nearest_weight(float value, float scale, int bits, WeightRange range);

/// Scales of a weight, one for each index of `axis`, none below `min_scales` (see
/// min_weight_scales; one a channel, all positive).
std::vector<float> choose_weight_scales(const Parameter& weight, const WeightFormat& format,
                                        int axis, WeightScale method,
                                        const std::vector<float>& min_scales);

/// The group factors of each element, 1 without groups: they round what the group needs of the
/// channel's scale up.
std::vector<int32_t> group_factors(const Parameter& weight, const WeightFormat& format, int axis,
                                   const std::vector<float>& scales);

/// Sets the integers of a weight to the nearest ones for these scales. Pruned elements are 0.
void quantize_weight(Parameter& weight, const WeightFormat& format, int axis,
                     std::vector<float> scales);

/// Quantizes a bias to int32 with the scale x_scale * weight scale, by channel.
void quantize_bias(Parameter& bias, float x_scale, const std::vector<float>& weight_scales);

/// Lower bounds of the weight scales of a layer: they keep the bias within 32 bits, and give a
/// channel without any weight a usable scale. `bias` may be null.
std::vector<float> min_weight_scales(const Parameter& weight, const Parameter* bias, float x_scale,
                                     int axis);

/// The real numbers that the integers of a quantized parameter stand for.
std::vector<float> dequantize(const Parameter& parameter);

/// For each tensor the lowest index of the tensors that must share its quantization: those on both
/// sides of pools, reshapes, clamps and concatenations.
std::vector<int> sharing_groups(const Graph& graph);

}  // namespace coppice
