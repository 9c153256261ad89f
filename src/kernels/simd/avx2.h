#pragma once

#include "kernels/simd/avx2_base.h"

namespace coppice::kernels::simd {

/// AVX2 without VNNI: products of 16 bits, which never saturate (vpmaddubsw would).
struct Avx2 : Avx2Base {
  using Weight = int16_t;  ///< Of a lane's four weights: 0 and 2, in the next vector 1 and 3.
  struct Operand {
    Int even, odd;
  };
  struct Weights {
    Int even, odd;
  };

  static COPPICE_INLINE Operand prepare(Int bytes) {
    return {_mm256_and_si256(bytes, _mm256_set1_epi16(255)), _mm256_srli_epi16(bytes, 8)};
  }
  static COPPICE_INLINE Operand broadcast(const uint8_t* four) {
    return prepare(Avx2Base::broadcast(four));
  }
  static COPPICE_INLINE Weights load_weights(const Weight* from) {
    return {load(from), load(from + 2 * kLanes)};
  }
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    sum = add32(sum, _mm256_madd_epi16(x.even, w.even));
    return add32(sum, _mm256_madd_epi16(x.odd, w.odd));
  }
};

}  // namespace coppice::kernels::simd
