#pragma once

#include <cstdint>

#include "coppice/kernels/requantize.h"

namespace coppice::kernels {

/// Fully connected layer. x: [in_features], w: [out_features, in_features], bias: [out_features] or
/// null, y: [out_features].
struct FullyConnectedParams {
  int in_features = 1;
  int out_features = 1;
  int32_t x_zero = 0;  ///< Zero point of x; 0 for float.
  int32_t w_zero = 0;  ///< Zero point of w: 0 in Coppice's own models, other tools may differ.
};

}  // namespace coppice::kernels
