#pragma once

#include "kernels/simd/avx2_base.h"

namespace coppice::kernels::simd {

/// AVX2 for int16 activations, with the names of Avx512I16.
struct Avx2I16 : Avx2Base {
  using Weight = int8_t;
  using Operand = Int;
  using Weights = Int;
  static constexpr bool kWide = true;

  static COPPICE_INLINE Weights load_weights(const void* from) { return load(from); }
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    return add32(sum, _mm256_madd_epi16(x, w));
  }

  static COPPICE_INLINE Int min32(Int a, Int b) { return _mm256_min_epi32(a, b); }
  static COPPICE_INLINE Int max32(Int a, Int b) { return _mm256_max_epi32(a, b); }
  static COPPICE_INLINE Int widen16(const int16_t* from) {
    return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static COPPICE_INLINE void store16(int16_t* to, Int v, int count) {
    const __m128i half =
        _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packs_epi32(v, v), 0x08));
    if (count == kLanes) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), half);
    alignas(16) int16_t values[8];
    _mm_store_si128(reinterpret_cast<__m128i*>(values), half);
    __builtin_memcpy(to, values, 2 * static_cast<size_t>(count));
  }
};

}  // namespace coppice::kernels::simd
