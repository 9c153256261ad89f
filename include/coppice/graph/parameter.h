#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/core/shape.h"

namespace coppice {

/// Which integers weights of some bits take.
enum class WeightRange {
  kNarrow,  ///< As far below 0 as above: [-127, 127], [-7, 7]; 2 bits are ternary, [-1, 1].
  kFull,    ///< All of them: [-128, 127], [-8, 7], [-2, 1].
  kBinary,  ///< -1 and 1; 0 only where the mask prunes.
};
std::string_view weight_range_name(WeightRange range);
Result<WeightRange> parse_weight_range(std::string_view name);

/// The integer values of a parameter, and what they mean: real = value * scale (zero point 0, so a
/// pruned zero stays zero).
struct QuantizedValues {
  int bits = 8;  ///< Storage width: 8, 4 or 2 for weights, 32 for biases.
  /// Bits that a weight makes use of, when fewer than it is stored in (3, 5, 6, 7; 1 when binary;
  /// fewer than 8 with groups). 0: all.
  int precision = 0;
  WeightRange range = WeightRange::kNarrow;
  /// Input channels that share a factor in 1 .. 16 of the channel's scale, which `values` hold
  /// multiplied out (so they are stored in 8 bits). 0: no groups.
  int group_size = 0;
  int axis = -1;                ///< Axis of the per-channel scales; -1: one scale for all.
  std::vector<float> scales;    ///< One, or one for each index of `axis`.
  std::vector<int32_t> values;  ///< Row-major, as many as the parameter has elements.

  int used_bits() const { return precision == 0 ? bits : precision; }
};

/// A tensor that belongs to a node: the float master values, the pruning mask and, once quantized,
/// the integers. The mask is part of the parameter: optimizer, quantizer, saver and executor all
/// respect it, so a pruned weight cannot come back.
struct Parameter {
  std::string name;           ///< "weight", "bias", "gamma", "beta", "mean", "variance".
  Shape shape;                ///< OHWI, HWC, OI or [C], by the op.
  std::vector<float> value;   ///< Row-major.
  std::vector<uint8_t> mask;  ///< Empty: all kept. Else 1 keeps and 0 prunes an element.
  std::optional<QuantizedValues> quantized;  ///< Set by quant::quantize.

  /// Running statistics ("range" is that of training for integers) are not.
  bool trainable() const { return name != "mean" && name != "variance" && name != "range"; }
};

/// Sets the value of pruned elements to zero.
void apply_mask(Parameter& parameter);

/// Elements that are not zero, in the integers if quantized, else in the float values.
int64_t nonzero_count(const Parameter& parameter);

/// Bytes of the parameter as stored densely: packed integers if quantized, else 4 an element.
int64_t stored_bytes(const Parameter& parameter);

}  // namespace coppice
