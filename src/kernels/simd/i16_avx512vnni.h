#pragma once

#include "kernels/simd/i16_avx512.h"

namespace coppice::kernels::simd {

/// AVX-512 with VNNI: vpdpwssd adds the two products of a lane to its sum.
struct Avx512VnniI16 : Avx512I16 {
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    return _mm512_dpwssd_epi32(sum, x, w);
  }
};

}  // namespace coppice::kernels::simd
