#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/shape.h"

namespace coppice {

/// The integer values of a parameter, and what they mean: real = value * scale (zero point 0, so a
/// pruned zero stays zero).
struct QuantizedValues {
  int bits = 8;                 ///< Storage width: 8, 4 or 2 for weights, 32 for biases.
  int axis = -1;                ///< Axis of the per-channel scales; -1: one scale for all.
  std::vector<float> scales;    ///< One, or one for each index of `axis`.
  std::vector<int32_t> values;  ///< Row-major, as many as the parameter has elements.
};

/// A tensor that belongs to a node: the float master values, the pruning mask and, once quantized,
/// the integers. The mask is part of the parameter: optimizer, quantizer, saver and executor all
/// respect it, so a pruned weight cannot come back.
struct Parameter {
  std::string name;                          ///< "weight", "bias", "gamma", "beta", "mean", "variance".
  Shape shape;                               ///< OHWI, HWC, OI or [C], by the op.
  std::vector<float> value;                  ///< Row-major.
  std::vector<uint8_t> mask;                 ///< Empty: all kept. Else 1 keeps and 0 prunes an element.
  std::optional<QuantizedValues> quantized;  ///< Set by quant::quantize.

  bool trainable() const { return name != "mean" && name != "variance"; }
};

/// Sets the value of pruned elements to zero.
void apply_mask(Parameter& parameter);

/// Elements that are not zero, in the integers if quantized, else in the float values.
int64_t nonzero_count(const Parameter& parameter);

/// Bytes of the parameter as stored densely: packed integers if quantized, else 4 an element.
int64_t stored_bytes(const Parameter& parameter);

}  // namespace coppice
