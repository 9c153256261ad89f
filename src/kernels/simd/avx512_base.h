#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/simd/inline.h"

namespace coppice::kernels::simd {

/// What every AVX-512 (F, BW, DQ, VL) has: 16 lanes of 32 bits. A traits type of the generic
/// kernels derives from this and adds dot().
struct Avx512Base {
  using Int = __m512i;
  using Float = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kBytes = 64;
  /// Pixels of a convolution's tile beside 1, 2, 3, 4 vectors of channels: all sums, one vector of
  /// weights each and an input word fit the 32 registers.
  static constexpr int kPixels[] = {8, 8, 8, 6};
  static constexpr bool kHoldsWeights = true;
  /// Whether gather_words() is there.
  static constexpr bool kGathers = true;

  static COPPICE_INLINE Int load(const void* from) { return _mm512_loadu_si512(from); }
  static COPPICE_INLINE void store(void* to, Int v) { _mm512_storeu_si512(to, v); }
  static COPPICE_INLINE Int zero() { return _mm512_setzero_si512(); }
  static COPPICE_INLINE Int all8(int v) { return _mm512_set1_epi8(static_cast<char>(v)); }
  static COPPICE_INLINE Int all16(int v) { return _mm512_set1_epi16(static_cast<short>(v)); }
  static COPPICE_INLINE Int all32(int v) { return _mm512_set1_epi32(v); }
  static COPPICE_INLINE Int all64(int64_t v) { return _mm512_set1_epi64(v); }
  /// Four bytes to each lane.
  static COPPICE_INLINE Int broadcast(const void* four) {
    int32_t word;
    __builtin_memcpy(&word, four, sizeof(word));
    return all32(word);
  }

  static COPPICE_INLINE Int add32(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static COPPICE_INLINE Int sub32(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static COPPICE_INLINE Int mul32(Int a, Int b) { return _mm512_mullo_epi32(a, b); }
  static COPPICE_INLINE Int shift_left32(Int a, Int count) { return _mm512_sllv_epi32(a, count); }
  static COPPICE_INLINE Int shift_right32(Int a, Int count) { return _mm512_srav_epi32(a, count); }
  /// Zeros come in from the left; counts above 31 give 0.
  static COPPICE_INLINE Int logical_shift_right32(Int a, Int count) {
    return _mm512_srlv_epi32(a, count);
  }
  static COPPICE_INLINE Int add64(Int a, Int b) { return _mm512_add_epi64(a, b); }
  template <int kCount>
  static COPPICE_INLINE Int shift_right64(Int a) {
    return _mm512_srai_epi64(a, kCount);
  }
  /// 64-bit products of the even lanes.
  static COPPICE_INLINE Int multiply_even(Int a, Int b) { return _mm512_mul_epi32(a, b); }
  /// Odd lanes moved to even ones.
  static COPPICE_INLINE Int odd_to_even(Int a) { return _mm512_srli_epi64(a, 32); }
  /// Even lanes of one, odd lanes of the other.
  static COPPICE_INLINE Int merge_odd(Int even, Int odd) {
    return _mm512_mask_blend_epi32(0xAAAA, even, odd);
  }

  /// Odd lanes of a, and those of b behind each.
  static COPPICE_INLINE Int interleave_odd(Int a, Int b) {
    return _mm512_castps_si512(
        _mm512_mask_movehdup_ps(_mm512_castsi512_ps(b), 0x5555, _mm512_castsi512_ps(a)));
  }

  static COPPICE_INLINE Float load_floats(const void* from) { return _mm512_loadu_ps(from); }
  static COPPICE_INLINE Float to_float(Int a) { return _mm512_cvtepi32_ps(a); }
  static COPPICE_INLINE Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static COPPICE_INLINE Float divide(Float a, Float b) { return _mm512_div_ps(a, b); }
  static COPPICE_INLINE Float all_float(float v) { return _mm512_set1_ps(v); }
  /// To the nearest integer, halves to even; out of range: INT32_MIN.
  static COPPICE_INLINE Int round_float(Float a) { return _mm512_cvtps_epi32(a); }
  static COPPICE_INLINE Int truncate_float(Float a) { return _mm512_cvttps_epi32(a); }
  static COPPICE_INLINE Int abs32(Int a) { return _mm512_abs_epi32(a); }

  /// Saturating narrowing, by blocks of 128 bits: first of a, then of b, in each block.
  static COPPICE_INLINE Int pack16(Int a, Int b) { return _mm512_packs_epi32(a, b); }
  static COPPICE_INLINE Int pack8(Int a, Int b) { return _mm512_packus_epi16(a, b); }
  static COPPICE_INLINE Int add16(Int a, Int b) { return _mm512_add_epi16(a, b); }
  static COPPICE_INLINE Int add_saturated16(Int a, Int b) { return _mm512_adds_epi16(a, b); }
  static COPPICE_INLINE Int min8(Int a, Int b) { return _mm512_min_epu8(a, b); }
  static COPPICE_INLINE Int max8(Int a, Int b) { return _mm512_max_epu8(a, b); }
  static COPPICE_INLINE Int xor_bits(Int a, Int b) { return _mm512_xor_si512(a, b); }
  /// Bytes to interleave, by blocks of 128 bits.
  static COPPICE_INLINE Int unpack_low8(Int a, Int b) { return _mm512_unpacklo_epi8(a, b); }
  static COPPICE_INLINE Int unpack_high8(Int a, Int b) { return _mm512_unpackhi_epi8(a, b); }
  static COPPICE_INLINE Int unpack_low16(Int a, Int b) { return _mm512_unpacklo_epi16(a, b); }
  static COPPICE_INLINE Int unpack_high16(Int a, Int b) { return _mm512_unpackhi_epi16(a, b); }

  /// a followed by b, from block kBlocks of 128 bits on.
  template <int kBlocks>
  static COPPICE_INLINE Int skip_blocks(Int a, Int b) {
    return _mm512_alignr_epi64(b, a, 2 * kBlocks);
  }

  /// The order of pack8(pack16(a, b), pack16(c, d)) to all of a, then b, c, d.
  static COPPICE_INLINE Int in_order(Int packed) {
    const Int order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, packed);
  }

  /// The 8-byte words of 128 bytes that `words` names.
  static COPPICE_INLINE Int gather_words(const uint8_t* from, Int words) {
    return _mm512_permutex2var_epi64(load(from), words, load(from + 64));
  }

  /// kLanes bytes, each in a lane.
  static COPPICE_INLINE Int widen8(const uint8_t* from) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }

  /// `count` bytes, 1 <= count <= kBytes, the rest 0; reads no further.
  static COPPICE_INLINE Int load_first(const uint8_t* from, int count) {
    if (count == kBytes) return load(from);
    return _mm512_maskz_loadu_epi8(~uint64_t{0} >> (64 - count), from);
  }
  /// The first `count` bytes of v, 1 <= count <= kBytes.
  static COPPICE_INLINE void store_first(uint8_t* to, Int v, int count) {
    if (count == kBytes) return store(to, v);
    _mm512_mask_storeu_epi8(to, ~uint64_t{0} >> (64 - count), v);
  }
  /// Quarter kQuarter of v, its first `count` bytes, 1 <= count <= kLanes.
  template <int kQuarter>
  static COPPICE_INLINE void store_quarter(uint8_t* to, Int v, int count) {
    const __m128i part = _mm512_extracti32x4_epi32(v, kQuarter);
    if (count == 16) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), part);
    _mm_mask_storeu_epi8(to, static_cast<__mmask16>(0xFFFFu >> (16 - count)), part);
  }
  template <int kHalf>
  static COPPICE_INLINE void store_half(uint8_t* to, Int v, int count) {
    const __m256i part = _mm512_extracti64x4_epi64(v, kHalf);
    if (count == 32) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), part);
    _mm256_mask_storeu_epi8(to, 0xFFFFFFFFu >> (32 - count), part);
  }
};

}  // namespace coppice::kernels::simd
