#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/core/packed.h"

namespace coppice::kernels {

/// Weights of kBits (4 or 2) bits packed as core/packed.h says, indexed like `const int8_t*`. The
/// plain kernels take either.
template <int kBits>
struct PackedWeights {
  const uint8_t* data = nullptr;

  int8_t operator[](size_t index) const { return packed_get(data, index, kBits); }
};

}  // namespace coppice::kernels
