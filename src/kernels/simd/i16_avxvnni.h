#pragma once

#include "kernels/simd/i16_avx2.h"

namespace coppice::kernels::simd {

/// AVX2 with AVX-VNNI's vpdpwssd.
struct AvxVnniI16 : Avx2I16 {
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    return _mm256_dpwssd_avx_epi32(sum, x, w);
  }
};

}  // namespace coppice::kernels::simd
