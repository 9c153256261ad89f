#pragma once

#include <cstdint>

#include "coppice/core/shape.h"

namespace coppice::train {

/// Samples [first, first + count) of a batch. A lane is a fixed share of the batch with
/// accumulators of its own, worked through by one thread at a time, tile by tile; a tile's
/// activations fit the second-level cache. Lanes and tiles depend on the batch size and the
/// network, never on the number of threads: that makes results bit-identical.
struct Tile {
  int lane = 0;
  int first = 0;
  int count = 0;
};

/// An activation of a whole batch, and its gradient.
struct Blob {
  int64_t elements = 0;  ///< Floats a sample.
  float* value = nullptr;
  float* gradient = nullptr;    ///< nullptr when nobody asks for it.
  int64_t gradient_stride = 0;  ///< Floats from one tile's gradients to the next, by sample.

  float* values(const Tile& tile) const { return value + tile.first * elements; }
  /// A tile's gradients are contiguous; the buffer may be wider, as tensors share it over time.
  float* gradients(const Tile& tile) const { return gradient + tile.first * gradient_stride; }
};

/// A layer's view of one of its inputs.
struct Edge {
  const Blob* blob = nullptr;
  Shape shape;  ///< As the layer reads it; storage may be shared with a Reshape.
  bool wants_gradient = false;
  bool accumulate = false;  ///< Another layer has written this gradient already in this step.
};

}  // namespace coppice::train
