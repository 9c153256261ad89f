#pragma once

#include "kernels/simd/avx512_base.h"

namespace coppice::kernels::simd {

/// AVX-512 with VNNI: vpdpbusd multiplies 64 bytes.
struct Avx512Vnni : Avx512Base {
  using Weight = int8_t;
  using Operand = Int;  ///< Four uint8 in each lane.
  using Weights = Int;  ///< Four int8 in each lane.

  static COPPICE_INLINE Operand prepare(Int bytes) { return bytes; }
  /// Four bytes to each lane.
  static COPPICE_INLINE Operand broadcast(const uint8_t* four) {
    int32_t word;
    __builtin_memcpy(&word, four, sizeof(word));
    return _mm512_set1_epi32(word);
  }
  static COPPICE_INLINE Weights load_weights(const Weight* from) { return load(from); }
  /// sum[lane] += the four products of the lane.
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    return _mm512_dpbusd_epi32(sum, x, w);
  }
};

}  // namespace coppice::kernels::simd
