#pragma once

#include "kernels/simd/neon_base.h"

namespace coppice::kernels::simd {

/// NEON with the dot product extension: sdot multiplies 16 signed bytes, and takes one word of four
/// from any place in a register. Images hold unsigned bytes: 128 is taken off them again as they
/// are loaded, one eor for the four words of a load.
struct NeonDot : NeonBase {
  using Weight = int8_t;
  using Operand = Int;  ///< Four int8 in each lane.
  using Weights = Int;  ///< Four int8 in each lane.
  /// Beside 1, 2, 3, 4 vectors of channels: the sums, four words of each pixel, some weights.
  static constexpr int kPixels[] = {8, 8, 6, 4};
  static constexpr int kWords = 4;

  static COPPICE_INLINE Operand prepare(Int unsigned_bytes) {
    return xor_bits(unsigned_bytes, all8(128));
  }
  static COPPICE_INLINE Weights load_weights(const Weight* from) { return load(from); }
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(x));
  }

  template <int kCount>
  static COPPICE_INLINE Operand load_words(const uint8_t* from) {
    if constexpr (kCount == kWords) return prepare(load(from));
    int32_t word;
    __builtin_memcpy(&word, from, sizeof(word));
    return prepare(all32(word));
  }
  /// sum[lane] += the products of word `word` with the lane's weights.
  static COPPICE_INLINE Int dot_word(Int sum, Operand x, Weights w, int word) {
    const int8x16_t all = vreinterpretq_s8_s32(x), weights = vreinterpretq_s8_s32(w);
    switch (word) {  // A constant, once the loop around it is unrolled.
      case 0:
        return vdotq_laneq_s32(sum, weights, all, 0);
      case 1:
        return vdotq_laneq_s32(sum, weights, all, 1);
      case 2:
        return vdotq_laneq_s32(sum, weights, all, 2);
      default:
        return vdotq_laneq_s32(sum, weights, all, 3);
    }
  }
};

}  // namespace coppice::kernels::simd
