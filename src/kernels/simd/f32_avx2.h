#pragma once

#include "kernels/simd/inline.h"

#include <immintrin.h>

namespace coppice::kernels::simd {

/// Eight floats of AVX2 with FMA; see Avx512F32.
struct Avx2F32 {
  using Vector = __m256;
  using Index = __m256i;
  static constexpr int kLanes = 8;
  static constexpr int kRegisters = 16;

  static COPPICE_INLINE Vector zero() { return _mm256_setzero_ps(); }
  static COPPICE_INLINE Vector all(float value) { return _mm256_set1_ps(value); }
  static COPPICE_INLINE Vector load(const float* from) { return _mm256_loadu_ps(from); }
  static COPPICE_INLINE void store(float* to, Vector v) { _mm256_storeu_ps(to, v); }
  /// The first `count` floats, 0 <= count <= kLanes. Not vmaskmovps: AMD's stores it in 18 steps.
  static COPPICE_INLINE void store_part(float* to, Vector v, int count) {
    __m128 part = _mm256_castps256_ps128(v);
    if (count >= 4) {
      _mm_storeu_ps(to, part);
      part = _mm256_extractf128_ps(v, 1);
      to += 4;
    }
    if ((count & 2) != 0) {
      _mm_storel_pi(reinterpret_cast<__m64*>(to), part);
      part = _mm_movehl_ps(part, part);
      to += 2;
    }
    if ((count & 1) != 0) _mm_store_ss(to, part);
    if (count == kLanes) _mm_storeu_ps(to, part);
  }
  /// a * b + c, rounded once.
  static COPPICE_INLINE Vector multiply_add(Vector a, Vector b, Vector c) {
    return _mm256_fmadd_ps(a, b, c);
  }
  static COPPICE_INLINE Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static COPPICE_INLINE Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
  static COPPICE_INLINE Vector divide(Vector a, Vector b) { return _mm256_div_ps(a, b); }
  static COPPICE_INLINE Vector min(Vector a, Vector b) { return _mm256_min_ps(a, b); }
  static COPPICE_INLINE Vector max(Vector a, Vector b) { return _mm256_max_ps(a, b); }
  static COPPICE_INLINE Index load_index(const int* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }
  /// Lane i is v[index[i]], 0 <= index[i] < kLanes.
  static COPPICE_INLINE Vector pick(Vector v, Index index) {
    return _mm256_permutevar8x32_ps(v, index);
  }
};

}  // namespace coppice::kernels::simd
