#pragma once

#include <arm_neon.h>

#include <cstdint>

#include "kernels/simd/inline.h"

namespace coppice::kernels::simd {

/// Four floats of NEON; see Avx512F32.
struct NeonF32 {
  using Vector = float32x4_t;
  using Index = uint8x16_t;  ///< Of bytes.
  static constexpr int kLanes = 4;
  static constexpr int kRegisters = 32;

  static COPPICE_INLINE Vector zero() { return vdupq_n_f32(0.0f); }
  static COPPICE_INLINE Vector all(float value) { return vdupq_n_f32(value); }
  static COPPICE_INLINE Vector load(const float* from) { return vld1q_f32(from); }
  static COPPICE_INLINE void store(float* to, Vector v) { vst1q_f32(to, v); }
  /// The first `count` floats, 0 <= count <= kLanes.
  static COPPICE_INLINE void store_part(float* to, Vector v, int count) {
    if (count == kLanes) return store(to, v);
    float32x2_t part = vget_low_f32(v);
    if ((count & 2) != 0) {
      vst1_f32(to, part);
      part = vget_high_f32(v);
      to += 2;
    }
    if ((count & 1) != 0) vst1_lane_f32(to, part, 0);
  }
  /// a * b + c, rounded once.
  static COPPICE_INLINE Vector multiply_add(Vector a, Vector b, Vector c) {
    return vfmaq_f32(c, a, b);
  }
  /// Lane k of a, times b, + c.
  template <int k>
  static COPPICE_INLINE Vector multiply_add_lane(Vector a, Vector b, Vector c) {
    return vfmaq_laneq_f32(c, b, a, k);
  }
  static COPPICE_INLINE Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
  static COPPICE_INLINE Vector multiply(Vector a, Vector b) { return vmulq_f32(a, b); }
  static COPPICE_INLINE Vector divide(Vector a, Vector b) { return vdivq_f32(a, b); }
  static COPPICE_INLINE Vector min(Vector a, Vector b) { return vminq_f32(a, b); }
  static COPPICE_INLINE Vector max(Vector a, Vector b) { return vmaxq_f32(a, b); }
  static COPPICE_INLINE Index load_index(const int* from) {
    const uint8x16_t first = vreinterpretq_u8_s32(vshlq_n_s32(vld1q_s32(from), 2));
    const uint8x16_t copy = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    const uint8x16_t step = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
    return vaddq_u8(vqtbl1q_u8(first, copy), step);
  }
  /// Lane i is v[index[i]], 0 <= index[i] < kLanes.
  static COPPICE_INLINE Vector pick(Vector v, Index index) {
    return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(v), index));
  }

  static COPPICE_INLINE Vector load_quad(const float* from) { return load(from); }
  template <int k>
  static COPPICE_INLINE Vector splat(Vector quad) {
    return vdupq_laneq_f32(quad, k);
  }

  /// rows[i] lane k becomes rows[k] lane i.
  static COPPICE_INLINE void transpose(Vector (&rows)[kLanes]) {
    const float64x2_t a = pairs(vtrn1q_f32(rows[0], rows[1])),
                      b = pairs(vtrn2q_f32(rows[0], rows[1]));
    const float64x2_t c = pairs(vtrn1q_f32(rows[2], rows[3])),
                      d = pairs(vtrn2q_f32(rows[2], rows[3]));
    rows[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
    rows[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
    rows[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
    rows[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
  }

 private:
  static COPPICE_INLINE float64x2_t pairs(Vector v) { return vreinterpretq_f64_f32(v); }
};

}  // namespace coppice::kernels::simd
