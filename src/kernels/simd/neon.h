#pragma once

#include "kernels/simd/neon_base.h"

namespace coppice::kernels::simd {

/// NEON without dot products: smlal adds four products of 16 bits to 32, and takes one factor from
/// any place in a register.
struct Neon : NeonBase {
  using Weight = int16_t;
  /// Numbers 0 and 1 of all lanes, then 2 and 3.
  struct Operand {
    int16x8_t first, second;
  };
  using Weights = Operand;
  /// Beside 1, 2, 3, 4 vectors of channels: the sums, two words of each pixel, some weights. Only
  /// v0 to v15 give a factor.
  static constexpr int kPixels[] = {8, 8, 6, 5};
  static constexpr int kWords = 2;

  /// Four bytes a lane to planes.
  static COPPICE_INLINE Operand prepare(Int lanes) {
    const uint8x16_t order = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const uint8x16_t planes = vqtbl1q_u8(bytes(lanes), order);
    return {widen(vget_low_u8(planes)), widen(vget_high_u8(planes))};
  }
  static COPPICE_INLINE Weights load_weights(const Weight* from) {
    return {vld1q_s16(from), vld1q_s16(from + 8)};
  }
  static COPPICE_INLINE Int dot(Int sum, const Operand& x, const Weights& w) {
    sum = vmlal_s16(sum, vget_low_s16(w.first), vget_low_s16(x.first));
    sum = vmlal_high_s16(sum, w.first, x.first);
    sum = vmlal_s16(sum, vget_low_s16(w.second), vget_low_s16(x.second));
    return vmlal_high_s16(sum, w.second, x.second);
  }

  /// kCount words of bytes, widened.
  template <int kCount>
  static COPPICE_INLINE int16x8_t load_words(const uint8_t* from) {
    if constexpr (kCount == kWords) return widen(vld1_u8(from));
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof(word));
    return widen(vreinterpret_u8_u32(vdup_n_u32(word)));
  }
  /// sum[lane] += the products of word `word` with the lane's weights.
  static COPPICE_INLINE Int dot_word(Int sum, int16x8_t x, const Weights& w, int word) {
    return word == 0 ? add_products<0>(sum, x, w) : add_products<4>(sum, x, w);
  }

 private:
  template <int kFirst>
  static COPPICE_INLINE Int add_products(Int sum, int16x8_t x, const Weights& w) {
    sum = vmlal_laneq_s16(sum, vget_low_s16(w.first), x, kFirst);
    sum = vmlal_high_laneq_s16(sum, w.first, x, kFirst + 1);
    sum = vmlal_laneq_s16(sum, vget_low_s16(w.second), x, kFirst + 2);
    return vmlal_high_laneq_s16(sum, w.second, x, kFirst + 3);
  }
  static COPPICE_INLINE int16x8_t widen(uint8x8_t v) { return vreinterpretq_s16_u16(vmovl_u8(v)); }
};

}  // namespace coppice::kernels::simd
