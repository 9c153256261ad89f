#pragma once

#include "kernels/simd/avx512_base.h"

namespace coppice::kernels::simd {

/// AVX-512 without VNNI: products of 16 bits, which never saturate (vpmaddubsw would).
struct Avx512 : Avx512Base {
  using Weight = int16_t;  ///< Of a lane's four weights: 0 and 2, in the next vector 1 and 3.
  struct Operand {
    Int even, odd;
  };
  struct Weights {
    Int even, odd;
  };

  static COPPICE_INLINE Operand prepare(Int bytes) {
    return {_mm512_and_si512(bytes, _mm512_set1_epi16(255)), _mm512_srli_epi16(bytes, 8)};
  }
  static COPPICE_INLINE Operand broadcast(const uint8_t* four) {
    return prepare(Avx512Base::broadcast(four));
  }
  static COPPICE_INLINE Weights load_weights(const Weight* from) {
    return {load(from), load(from + 2 * kLanes)};
  }
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    sum = add32(sum, _mm512_madd_epi16(x.even, w.even));
    return add32(sum, _mm512_madd_epi16(x.odd, w.odd));
  }
};

}  // namespace coppice::kernels::simd
