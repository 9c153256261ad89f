#pragma once

#include "kernels/simd/avx2_base.h"

namespace coppice::kernels::simd {

/// AVX2 with the VEX-coded VNNI: vpdpbusd multiplies 32 bytes.
struct AvxVnni : Avx2Base {
  using Weight = int8_t;
  using Operand = Int;  ///< Four uint8 in each lane.
  using Weights = Int;  ///< Four int8 in each lane.

  static COPPICE_INLINE Operand prepare(Int bytes) { return bytes; }
  static COPPICE_INLINE Weights load_weights(const Weight* from) { return load(from); }
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    return _mm256_dpbusd_avx_epi32(sum, x, w);
  }
};

}  // namespace coppice::kernels::simd
