#pragma once

#include "kernels/simd/f32_avx2.h"
#include "kernels/simd/inline.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace coppice::kernels::simd {

/// Sixteen floats of AVX-512. A generic kernel is instantiated with this type, so that no function
/// of one instruction set is linked into another's.
struct Avx512F32 {
  using Vector = __m512;
  using Index = __m512i;
  static constexpr int kLanes = 16;
  static constexpr int kRegisters = 32;

  static COPPICE_INLINE Vector zero() { return _mm512_setzero_ps(); }
  static COPPICE_INLINE Vector all(float value) { return _mm512_set1_ps(value); }
  static COPPICE_INLINE Vector load(const float* from) { return _mm512_loadu_ps(from); }
  /// Half a vector of each.
  static COPPICE_INLINE Vector load_halves(const float* low, const float* high) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(low)), _mm256_loadu_ps(high),
                              1);
  }
  static COPPICE_INLINE void store(float* to, Vector v) { _mm512_storeu_ps(to, v); }
  /// The first `count` floats, 0 <= count <= kLanes.
  static COPPICE_INLINE void store_part(float* to, Vector v, int count) {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), v);
  }
  /// a * b + c, rounded once.
  static COPPICE_INLINE Vector multiply_add(Vector a, Vector b, Vector c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  static COPPICE_INLINE Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static COPPICE_INLINE Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static COPPICE_INLINE Vector divide(Vector a, Vector b) { return _mm512_div_ps(a, b); }
  static COPPICE_INLINE Vector min(Vector a, Vector b) { return _mm512_min_ps(a, b); }
  static COPPICE_INLINE Vector max(Vector a, Vector b) { return _mm512_max_ps(a, b); }
  static COPPICE_INLINE Index load_index(const int* from) { return _mm512_loadu_si512(from); }
  /// Lane i is v[index[i]], 0 <= index[i] < kLanes.
  static COPPICE_INLINE Vector pick(Vector v, Index index) {
    return _mm512_permutexvar_ps(index, v);
  }

  /// from[0] in even lanes, from[1] in odd ones.
  static COPPICE_INLINE Vector all_pairs(const float* from) {
    double pair;
    __builtin_memcpy(&pair, from, sizeof(pair));
    return _mm512_castpd_ps(_mm512_set1_pd(pair));
  }
  /// from[0] in even lanes, 0 in odd ones.
  static COPPICE_INLINE Vector all_first(const float* from) {
    return _mm512_maskz_broadcastss_ps(0x5555, _mm_load_ss(from));
  }
  /// Sums of the pairs of lanes of a, then of b.
  static COPPICE_INLINE Vector join_pairs(Vector a, Vector b) {
    const Vector sum = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
    const Index order = _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    return _mm512_permutexvar_ps(order, sum);
  }
  /// `count` floats of the lower half of v, or of the upper, count <= kLanes / 2.
  static COPPICE_INLINE void store_lower(float* to, Vector v, int count) {
    store_half(to, _mm512_castps512_ps256(v), count);
  }
  static COPPICE_INLINE void store_upper(float* to, Vector v, int count) {
    store_half(to, _mm512_extractf32x8_ps(v, 1), count);
  }

  /// Blocks of four lanes: four floats each, `step` floats apart.
  static COPPICE_INLINE Vector load_quads(const float* from, ptrdiff_t step) {
    // In halves: to insert a block of memory into one takes no shuffle.
    const auto half = [&](const float* at) COPPICE_LAMBDA {
      return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(at)), _mm_loadu_ps(at + step),
                                  1);
    };
    return _mm512_insertf32x8(_mm512_castps256_ps512(half(from)), half(from + 2 * step), 1);
  }
  /// The first kCount floats of each, 1 <= kCount <= 4.
  template <int kCount>
  static COPPICE_INLINE void store_quads(float* to, ptrdiff_t step, Vector v) {
    const auto store_one = [&](auto i) COPPICE_LAMBDA {
      const __m128 quad = _mm512_extractf32x4_ps(v, i);
      if constexpr (kCount == 4) {
        _mm_storeu_ps(to + i * step, quad);
      } else {
        _mm_mask_storeu_ps(to + i * step, (1 << kCount) - 1, quad);
      }
    };
    unroll<4>(store_one);
  }
  /// In each block of four lanes: two of a, two of b.
  template <int a0, int a1, int b0, int b1>
  static COPPICE_INLINE Vector shuffle(Vector a, Vector b) {
    return _mm512_shuffle_ps(a, b, a0 | a1 << 2 | b0 << 4 | b1 << 6);
  }
  /// All but the first float of v, then `last`.
  static COPPICE_INLINE Vector shift_in(Vector v, float last) {
    return _mm512_castsi512_ps(
        _mm512_alignr_epi32(_mm512_castps_si512(all(last)), _mm512_castps_si512(v), 1));
  }
  /// Four floats in each block of four lanes.
  static COPPICE_INLINE Vector load_quad(const float* from) {
    return _mm512_broadcast_f32x4(_mm_loadu_ps(from));
  }
  /// Float k of a quad in all lanes: one load serves four of these.
  template <int k>
  static COPPICE_INLINE Vector splat(Vector quad) {
    return _mm512_permute_ps(quad, k * 0x55);
  }

  /// kLanes bytes as an index.
  static COPPICE_INLINE Index load_places(const uint8_t* from) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  /// Lane i is element index[i] of a followed by b, 0 <= index[i] < 2 * kLanes.
  static COPPICE_INLINE Vector pick(Vector a, Vector b, Index index) {
    return _mm512_permutex2var_ps(a, index, b);
  }

  /// rows[i] lane k becomes rows[k] lane i.
  static COPPICE_INLINE void transpose(Vector (&rows)[kLanes]) {
    Vector pairs[kLanes], quads[kLanes];
    unroll<kLanes / 2>([&](auto i) COPPICE_LAMBDA {
      pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
      pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    });
    // Then quads[4 i + k] holds, in its 128-bit block b, column 4 b + k of rows 4 i ... 4 i + 3.
    unroll<kLanes / 4>([&](auto i) COPPICE_LAMBDA {
      unroll<2>([&](auto half) COPPICE_LAMBDA {
        const __m512d a = _mm512_castps_pd(pairs[4 * i + half]);
        const __m512d b = _mm512_castps_pd(pairs[4 * i + 2 + half]);
        quads[4 * i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
        quads[4 * i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
      });
    });
    unroll<4>([&](auto k) COPPICE_LAMBDA {
      const Vector even01 = _mm512_shuffle_f32x4(quads[k], quads[4 + k], 0x88);
      const Vector odd01 = _mm512_shuffle_f32x4(quads[k], quads[4 + k], 0xdd);
      const Vector even23 = _mm512_shuffle_f32x4(quads[8 + k], quads[12 + k], 0x88);
      const Vector odd23 = _mm512_shuffle_f32x4(quads[8 + k], quads[12 + k], 0xdd);
      rows[k] = _mm512_shuffle_f32x4(even01, even23, 0x88);
      rows[8 + k] = _mm512_shuffle_f32x4(even01, even23, 0xdd);
      rows[4 + k] = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
      rows[12 + k] = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
    });
  }

 private:
  static COPPICE_INLINE void store_half(float* to, __m256 v, int count) {
    if (count == kLanes / 2) {
      _mm256_storeu_ps(to, v);
    } else {
      _mm256_mask_storeu_ps(to, static_cast<__mmask8>((1u << count) - 1), v);
    }
  }
};

/// Eight floats of AVX-512: as many registers, and multiply-adds that broadcast a factor from
/// memory.
struct Avx512HalfF32 : Avx2F32 {
  static constexpr int kRegisters = 32;

  static COPPICE_INLINE void store_part(float* to, Vector v, int count) {
    _mm256_mask_storeu_ps(to, static_cast<__mmask8>((1u << count) - 1), v);
  }
};

}  // namespace coppice::kernels::simd
