#pragma once

#include <cstddef>

#include "coppice/kernels/requantize.h"
#include "kernels/simd/inline.h"

namespace coppice::kernels::simd {

/// What packed float weights begin with; the weights follow, aligned to a cache line.
struct alignas(64) PackedClamp {
  float min, max;
};

/// Bytes of `vectors` output vectors with `each` vectors of weights and biases.
COPPICE_INLINE size_t packed_bytes(int vectors, int each, int lanes) {
  return sizeof(PackedClamp) + sizeof(float) * static_cast<size_t>(vectors) *
                                   static_cast<size_t>(each) * static_cast<size_t>(lanes);
}

/// Writes the beginning; returns where the weights go.
COPPICE_INLINE float* begin_packed(const ClampFloat& clamp, void* packed) {
  auto* head = static_cast<PackedClamp*>(packed);
  *head = {clamp.min, clamp.max};
  return reinterpret_cast<float*>(head + 1);
}
COPPICE_INLINE const PackedClamp& packed_clamp(const void* packed) {
  return *static_cast<const PackedClamp*>(packed);
}
COPPICE_INLINE const float* packed_weights(const void* packed) {
  return reinterpret_cast<const float*>(static_cast<const PackedClamp*>(packed) + 1);
}

}  // namespace coppice::kernels::simd
