#pragma once

#include "kernels/simd/avx2_base.h"

namespace coppice::sparse {

/// Windows of 16 bytes, in both halves of a register: vpshufb takes any of them. Channels keep
/// their order, since no instruction could put them back.
template <class Base>
struct Shuffle : Base {
  using typename Base::Int;
  using Table = Int;
  static constexpr int kPixels = 2;  // 8 sums, 2 windows, places, weights, what was looked up.
  static constexpr int kPlaceBytes = 32;

  static COPPICE_INLINE Table load_table(const uint8_t* window) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(window)));
  }
  static COPPICE_INLINE Int load_places(const uint8_t* places) { return Base::load(places); }
  static COPPICE_INLINE Int look_up(Table table, Int places) {
    return _mm256_shuffle_epi8(table, places);
  }
  static COPPICE_INLINE Int reorder(Int bytes, Int) { return Base::in_order(bytes); }
};

}  // namespace coppice::sparse
