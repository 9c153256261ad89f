#pragma once

#include "kernels/simd/avx512_base.h"

namespace coppice::kernels::simd {

/// AVX-512 for int16 activations: a lane has two of them, or two weights, at a time.
struct Avx512I16 : Avx512Base {
  using Weight = int8_t;  ///< A lane's two int16 weights are four bytes.
  using Operand = Int;
  using Weights = Int;
  static constexpr bool kWide = true;  ///< Outputs are int16.

  static COPPICE_INLINE Weights load_weights(const void* from) { return load(from); }
  /// sum[lane] += the two products of the lane.
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    return add32(sum, _mm512_madd_epi16(x, w));
  }

  static COPPICE_INLINE Int min32(Int a, Int b) { return _mm512_min_epi32(a, b); }
  static COPPICE_INLINE Int max32(Int a, Int b) { return _mm512_max_epi32(a, b); }
  /// kLanes int16, each in a lane.
  static COPPICE_INLINE Int widen16(const int16_t* from) {
    return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  /// The first `count` lanes, saturated, 1 <= count <= kLanes.
  static COPPICE_INLINE void store16(int16_t* to, Int v, int count) {
    const __m256i half = _mm512_cvtsepi32_epi16(v);
    if (count == kLanes) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), half);
    _mm256_mask_storeu_epi16(to, static_cast<__mmask16>(0xFFFFu >> (16 - count)), half);
  }
};

}  // namespace coppice::kernels::simd
