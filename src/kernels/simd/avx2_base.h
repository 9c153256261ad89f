#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/simd/inline.h"

namespace coppice::kernels::simd {

/// What AVX2 has: 8 lanes of 32 bits, with the names of Avx512Base.
struct Avx2Base {
  using Int = __m256i;
  using Float = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kBytes = 32;
  /// 16 registers: the sums, an operand for each pixel and the weights of one vector.
  static constexpr int kPixels[] = {6, 4, 2, 2};
  static constexpr bool kHoldsWeights = false;
  static constexpr bool kGathers = false;

  static COPPICE_INLINE Int load(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static COPPICE_INLINE void store(void* to, Int v) {
    _mm256_storeu_si256(static_cast<__m256i*>(to), v);
  }
  static COPPICE_INLINE Int zero() { return _mm256_setzero_si256(); }
  static COPPICE_INLINE Int all8(int v) { return _mm256_set1_epi8(static_cast<char>(v)); }
  static COPPICE_INLINE Int all16(int v) { return _mm256_set1_epi16(static_cast<short>(v)); }
  static COPPICE_INLINE Int all32(int v) { return _mm256_set1_epi32(v); }
  static COPPICE_INLINE Int all64(int64_t v) { return _mm256_set1_epi64x(v); }
  static COPPICE_INLINE Int broadcast(const void* four) {
    int32_t word;
    __builtin_memcpy(&word, four, sizeof(word));
    return all32(word);
  }

  static COPPICE_INLINE Int add32(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static COPPICE_INLINE Int sub32(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  static COPPICE_INLINE Int mul32(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
  static COPPICE_INLINE Int shift_left32(Int a, Int count) { return _mm256_sllv_epi32(a, count); }
  static COPPICE_INLINE Int shift_right32(Int a, Int count) { return _mm256_srav_epi32(a, count); }
  static COPPICE_INLINE Int logical_shift_right32(Int a, Int count) {
    return _mm256_srlv_epi32(a, count);
  }
  static COPPICE_INLINE Int add64(Int a, Int b) { return _mm256_add_epi64(a, b); }
  /// For the lower 32 bits of the result; kCount is at most 32.
  template <int kCount>
  static COPPICE_INLINE Int shift_right64(Int a) {
    return _mm256_srli_epi64(a, kCount);
  }
  static COPPICE_INLINE Int multiply_even(Int a, Int b) { return _mm256_mul_epi32(a, b); }
  static COPPICE_INLINE Int odd_to_even(Int a) { return _mm256_srli_epi64(a, 32); }
  static COPPICE_INLINE Int merge_odd(Int even, Int odd) {
    return _mm256_blend_epi32(even, odd, 0xAA);
  }

  static COPPICE_INLINE Int interleave_odd(Int a, Int b) { return merge_odd(odd_to_even(a), b); }

  static COPPICE_INLINE Float load_floats(const void* from) {
    return _mm256_loadu_ps(static_cast<const float*>(from));
  }
  static COPPICE_INLINE Float to_float(Int a) { return _mm256_cvtepi32_ps(a); }
  static COPPICE_INLINE Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static COPPICE_INLINE Float divide(Float a, Float b) { return _mm256_div_ps(a, b); }
  static COPPICE_INLINE Float all_float(float v) { return _mm256_set1_ps(v); }
  static COPPICE_INLINE Int round_float(Float a) { return _mm256_cvtps_epi32(a); }
  static COPPICE_INLINE Int truncate_float(Float a) { return _mm256_cvttps_epi32(a); }
  static COPPICE_INLINE Int abs32(Int a) { return _mm256_abs_epi32(a); }

  static COPPICE_INLINE Int pack16(Int a, Int b) { return _mm256_packs_epi32(a, b); }
  static COPPICE_INLINE Int pack8(Int a, Int b) { return _mm256_packus_epi16(a, b); }
  static COPPICE_INLINE Int add16(Int a, Int b) { return _mm256_add_epi16(a, b); }
  static COPPICE_INLINE Int add_saturated16(Int a, Int b) { return _mm256_adds_epi16(a, b); }
  static COPPICE_INLINE Int min8(Int a, Int b) { return _mm256_min_epu8(a, b); }
  static COPPICE_INLINE Int max8(Int a, Int b) { return _mm256_max_epu8(a, b); }
  static COPPICE_INLINE Int xor_bits(Int a, Int b) { return _mm256_xor_si256(a, b); }
  static COPPICE_INLINE Int unpack_low8(Int a, Int b) { return _mm256_unpacklo_epi8(a, b); }
  static COPPICE_INLINE Int unpack_high8(Int a, Int b) { return _mm256_unpackhi_epi8(a, b); }
  static COPPICE_INLINE Int unpack_low16(Int a, Int b) { return _mm256_unpacklo_epi16(a, b); }
  static COPPICE_INLINE Int unpack_high16(Int a, Int b) { return _mm256_unpackhi_epi16(a, b); }

  static COPPICE_INLINE Int in_order(Int packed) {
    return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }

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
    const int64_t part = _mm256_extract_epi64(v, kQuarter);
    if (count == 8) {
      __builtin_memcpy(to, &part, 8);
    } else {
      __builtin_memcpy(to, &part, static_cast<size_t>(count));
    }
  }
  template <int kHalf>
  static COPPICE_INLINE void store_half(uint8_t* to, Int v, int count) {
    const __m128i part = _mm256_extracti128_si256(v, kHalf);
    if (count == 16) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), part);
    alignas(16) uint8_t bytes[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes), part);
    __builtin_memcpy(to, bytes, static_cast<size_t>(count));
  }
};

}  // namespace coppice::kernels::simd
