#pragma once

#include <smmintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/simd/inline.h"

namespace coppice::kernels::simd {

/// SSE4.1: 4 lanes of 32 bits, with the names of Avx512Base; products of 16 bits as Avx2 has them.
struct Sse41 {
  using Int = __m128i;
  using Float = __m128;
  static constexpr int kLanes = 4;
  static constexpr int kBytes = 16;
  static constexpr int kPixels[] = {4, 4, 2, 2};  ///< As for Avx2.
  static constexpr bool kHoldsWeights = false;
  static constexpr bool kGathers = false;

  static COPPICE_INLINE Int load(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }
  static COPPICE_INLINE void store(void* to, Int v) {
    _mm_storeu_si128(static_cast<__m128i*>(to), v);
  }
  static COPPICE_INLINE Int zero() { return _mm_setzero_si128(); }
  static COPPICE_INLINE Int all8(int v) { return _mm_set1_epi8(static_cast<char>(v)); }
  static COPPICE_INLINE Int all16(int v) { return _mm_set1_epi16(static_cast<short>(v)); }
  static COPPICE_INLINE Int all32(int v) { return _mm_set1_epi32(v); }
  static COPPICE_INLINE Int all64(int64_t v) { return _mm_set1_epi64x(v); }

  static COPPICE_INLINE Int add32(Int a, Int b) { return _mm_add_epi32(a, b); }
  static COPPICE_INLINE Int sub32(Int a, Int b) { return _mm_sub_epi32(a, b); }
  static COPPICE_INLINE Int mul32(Int a, Int b) { return _mm_mullo_epi32(a, b); }
  static COPPICE_INLINE Int shift_left32(Int a, Int count) {
    return each32(count, [&](Int one) COPPICE_LAMBDA { return _mm_sll_epi32(a, one); });
  }
  static COPPICE_INLINE Int shift_right32(Int a, Int count) {
    return each32(count, [&](Int one) COPPICE_LAMBDA { return _mm_sra_epi32(a, one); });
  }
  static COPPICE_INLINE Int logical_shift_right32(Int a, Int count) {
    return each32(count, [&](Int one) COPPICE_LAMBDA { return _mm_srl_epi32(a, one); });
  }
  static COPPICE_INLINE Int add64(Int a, Int b) { return _mm_add_epi64(a, b); }
  /// For the lower 32 bits of the result; kCount is at most 32.
  template <int kCount>
  static COPPICE_INLINE Int shift_right64(Int a) {
    return _mm_srli_epi64(a, kCount);
  }
  static COPPICE_INLINE Int multiply_even(Int a, Int b) { return _mm_mul_epi32(a, b); }
  static COPPICE_INLINE Int odd_to_even(Int a) { return _mm_srli_epi64(a, 32); }
  static COPPICE_INLINE Int merge_odd(Int even, Int odd) {
    return _mm_blend_epi16(even, odd, 0xCC);
  }
  static COPPICE_INLINE Int interleave_odd(Int a, Int b) { return merge_odd(odd_to_even(a), b); }

  static COPPICE_INLINE Float load_floats(const void* from) {
    return _mm_loadu_ps(static_cast<const float*>(from));
  }
  static COPPICE_INLINE Float to_float(Int a) { return _mm_cvtepi32_ps(a); }
  static COPPICE_INLINE Float multiply(Float a, Float b) { return _mm_mul_ps(a, b); }
  static COPPICE_INLINE Float divide(Float a, Float b) { return _mm_div_ps(a, b); }
  static COPPICE_INLINE Float all_float(float v) { return _mm_set1_ps(v); }
  static COPPICE_INLINE Int round_float(Float a) { return _mm_cvtps_epi32(a); }
  static COPPICE_INLINE Int truncate_float(Float a) { return _mm_cvttps_epi32(a); }
  static COPPICE_INLINE Int abs32(Int a) { return _mm_abs_epi32(a); }

  static COPPICE_INLINE Int pack16(Int a, Int b) { return _mm_packs_epi32(a, b); }
  static COPPICE_INLINE Int pack8(Int a, Int b) { return _mm_packus_epi16(a, b); }
  static COPPICE_INLINE Int add16(Int a, Int b) { return _mm_add_epi16(a, b); }
  static COPPICE_INLINE Int add_saturated16(Int a, Int b) { return _mm_adds_epi16(a, b); }
  static COPPICE_INLINE Int min8(Int a, Int b) { return _mm_min_epu8(a, b); }
  static COPPICE_INLINE Int max8(Int a, Int b) { return _mm_max_epu8(a, b); }
  static COPPICE_INLINE Int xor_bits(Int a, Int b) { return _mm_xor_si128(a, b); }
  static COPPICE_INLINE Int unpack_low8(Int a, Int b) { return _mm_unpacklo_epi8(a, b); }
  static COPPICE_INLINE Int unpack_high8(Int a, Int b) { return _mm_unpackhi_epi8(a, b); }
  static COPPICE_INLINE Int unpack_low16(Int a, Int b) { return _mm_unpacklo_epi16(a, b); }
  static COPPICE_INLINE Int unpack_high16(Int a, Int b) { return _mm_unpackhi_epi16(a, b); }

  /// One block of 128 bits is always in order.
  static COPPICE_INLINE Int in_order(Int packed) { return packed; }

  static COPPICE_INLINE Int load_first(const uint8_t* from, int count) {
    if (count == kBytes) return load(from);
    alignas(kBytes) uint8_t bytes[kBytes] = {};
    __builtin_memcpy(bytes, from, static_cast<size_t>(count));
    return load(bytes);
  }
  static COPPICE_INLINE void store_first(uint8_t* to, Int v, int count) {
    if (count == kBytes) return store(to, v);
    alignas(kBytes) uint8_t bytes[kBytes];
    store(bytes, v);
    __builtin_memcpy(to, bytes, static_cast<size_t>(count));
  }
  template <int kQuarter>
  static COPPICE_INLINE void store_quarter(uint8_t* to, Int v, int count) {
    const int32_t part = _mm_extract_epi32(v, kQuarter);
    if (count == 4) {
      __builtin_memcpy(to, &part, 4);
    } else {
      __builtin_memcpy(to, &part, static_cast<size_t>(count));
    }
  }
  template <int kHalf>
  static COPPICE_INLINE void store_half(uint8_t* to, Int v, int count) {
    const int64_t part = _mm_extract_epi64(v, kHalf);
    if (count == 8) {
      __builtin_memcpy(to, &part, 8);
    } else {
      __builtin_memcpy(to, &part, static_cast<size_t>(count));
    }
  }

  using Weight = int16_t;
  struct Operand {
    Int even, odd;
  };
  using Weights = Operand;

  static COPPICE_INLINE Operand prepare(Int bytes) {
    return {_mm_and_si128(bytes, _mm_set1_epi16(255)), _mm_srli_epi16(bytes, 8)};
  }
  static COPPICE_INLINE Operand broadcast(const uint8_t* four) {
    int32_t word;
    __builtin_memcpy(&word, four, sizeof(word));
    return prepare(_mm_set1_epi32(word));
  }
  static COPPICE_INLINE Weights load_weights(const Weight* from) {
    return {load(from), load(from + 2 * kLanes)};
  }
  static COPPICE_INLINE Int dot(Int sum, Operand x, Weights w) {
    sum = add32(sum, _mm_madd_epi16(x.even, w.even));
    return add32(sum, _mm_madd_epi16(x.odd, w.odd));
  }

 private:
  // Shifts take one count for all lanes until AVX2: shift(count of a lane) for each.
  template <class Shift>
  static COPPICE_INLINE Int each32(Int count, const Shift& shift) {
    const Int low = _mm_cvtepu32_epi64(count), high = _mm_unpackhi_epi32(count, zero());
    const Int lane0 = shift(low), lane1 = shift(_mm_unpackhi_epi64(low, low));
    const Int lane2 = shift(high), lane3 = shift(_mm_unpackhi_epi64(high, high));
    return _mm_blend_epi16(_mm_blend_epi16(lane0, lane1, 0x0C), _mm_blend_epi16(lane2, lane3, 0xC0),
                           0xF0);
  }
};

}  // namespace coppice::kernels::simd
