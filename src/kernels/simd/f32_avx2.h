#pragma once

#include "kernels/simd/inline.h"

#include <immintrin.h>

#include <cstdint>

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

  /// from[0] in even lanes, from[1] in odd ones.
  static COPPICE_INLINE Vector all_pairs(const float* from) {
    double pair;
    __builtin_memcpy(&pair, from, sizeof(pair));
    return _mm256_castpd_ps(_mm256_set1_pd(pair));
  }
  /// from[0] in even lanes, 0 in odd ones.
  static COPPICE_INLINE Vector all_first(const float* from) {
    return _mm256_blend_ps(_mm256_setzero_ps(), _mm256_broadcast_ss(from), 0x55);
  }
  /// Sums of the pairs of lanes of a, then of b.
  static COPPICE_INLINE Vector join_pairs(Vector a, Vector b) {
    const __m256d sums = _mm256_castps_pd(_mm256_hadd_ps(a, b));
    return _mm256_castpd_ps(_mm256_permute4x64_pd(sums, 0xd8));
  }
  /// `count` floats of the lower half of v, or of the upper, count <= kLanes / 2.
  static COPPICE_INLINE void store_lower(float* to, Vector v, int count) {
    if (count == kLanes / 2) {
      _mm_storeu_ps(to, _mm256_castps256_ps128(v));
    } else {
      store_part(to, v, count);
    }
  }
  static COPPICE_INLINE void store_upper(float* to, Vector v, int count) {
    store_lower(to, _mm256_permute2f128_ps(v, v, 1), count);
  }

  /// Four floats in each block of four lanes.
  static COPPICE_INLINE Vector load_quad(const float* from) {
    return _mm256_broadcast_ps(reinterpret_cast<const __m128*>(from));
  }
  /// Float k of a quad in all lanes: one load serves four of these.
  template <int k>
  static COPPICE_INLINE Vector splat(Vector quad) {
    return _mm256_permute_ps(quad, k * 0x55);
  }

  /// kLanes bytes as an index.
  static COPPICE_INLINE Index load_places(const uint8_t* from) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
  }
  /// Lane i is element index[i] of a followed by b, 0 <= index[i] < 2 * kLanes.
  static COPPICE_INLINE Vector pick(Vector a, Vector b, Index index) {
    // The permutes read three bits of the index, the blend the fourth as a sign.
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(a, index), _mm256_permutevar8x32_ps(b, index),
                            _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
  }

  /// rows[i] lane k becomes rows[k] lane i.
  static COPPICE_INLINE void transpose(Vector (&rows)[kLanes]) {
    Vector pairs[kLanes], quads[kLanes];
    unroll<kLanes / 2>([&](auto i) COPPICE_LAMBDA {
      pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
      pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    });
    // Then quads[4 i + k] holds, in its 128-bit block b, column 4 b + k of rows 4 i ... 4 i + 3.
    unroll<kLanes / 4>([&](auto i) COPPICE_LAMBDA {
      unroll<2>([&](auto half) COPPICE_LAMBDA {
        const __m256d a = _mm256_castps_pd(pairs[4 * i + half]);
        const __m256d b = _mm256_castps_pd(pairs[4 * i + 2 + half]);
        quads[4 * i + 2 * half] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
        quads[4 * i + 2 * half + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
      });
    });
    unroll<4>([&](auto k) COPPICE_LAMBDA {
      rows[k] = _mm256_permute2f128_ps(quads[k], quads[4 + k], 0x20);
      rows[4 + k] = _mm256_permute2f128_ps(quads[k], quads[4 + k], 0x31);
    });
  }
};

}  // namespace coppice::kernels::simd
