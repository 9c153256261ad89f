#pragma once

#include "kernels/simd/avx512_base.h"

namespace coppice::kernels::simd {

/// AVX-512 with VNNI: vpdpbusd multiplies 64 bytes.
struct Avx512Vnni : Avx512Base {
  using Weight = int8_t;
  using Operand = Int;  ///< Four uint8 in each lane.
  using Weights = Int;  ///< Four int8 in each lane.

  static COPPICE_INLINE Operand prepare(Int bytes) { return bytes; }
  static COPPICE_INLINE Weights load_weights(const Weight* from) { return load(from); }
  /// Four weights to each lane.
  static COPPICE_INLINE Weights broadcast_weights(const Weight* four) { return broadcast(four); }
  /// sum[lane] += the four products of the lane.
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    return _mm512_dpbusd_epi32(sum, x, w);
  }

  static COPPICE_INLINE Int add8(Int a, Int b) { return _mm512_add_epi8(a, b); }
  /// The first `count` bytes of v, 0 <= count <= kBytes, without a branch.
  static COPPICE_INLINE void store_some(uint8_t* to, Int v, int count) {
    _mm512_mask_storeu_epi8(to, _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(count)), v);
  }
  /// 32 bytes of each.
  static COPPICE_INLINE Int load_halves(const uint8_t* lower, const uint8_t* upper) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lower));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(upper));
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
  }
  /// Byte i is bytes[index[i]].
  static COPPICE_INLINE Int pick(Int bytes, Int index) {
    return _mm512_permutexvar_epi8(index, bytes);
  }
  /// Bytes of a where `mask` has ones, else of b.
  static COPPICE_INLINE Int select(uint64_t mask, Int a, Int b) {
    return _mm512_mask_blend_epi8(mask, b, a);
  }
  /// Byte i is that of a followed by b.
  static COPPICE_INLINE Int pick(Int a, Int b, Int index) {
    return _mm512_permutex2var_epi8(a, index, b);
  }
};

}  // namespace coppice::kernels::simd
