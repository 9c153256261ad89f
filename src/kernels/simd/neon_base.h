#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/simd/inline.h"

namespace coppice::kernels::simd {

/// What every NEON of AArch64 has: 4 lanes of 32 bits, with the names of Avx512Base.
struct NeonBase {
  using Int = int32x4_t;
  using Float = float32x4_t;
  static constexpr int kLanes = 4;
  static constexpr int kBytes = 16;
  static constexpr bool kHoldsWeights = true;
  static constexpr bool kGathers = false;

  static COPPICE_INLINE Int load(const void* from) {
    return as_int(vld1q_u8(static_cast<const uint8_t*>(from)));
  }
  static COPPICE_INLINE void store(void* to, Int v) {
    vst1q_u8(static_cast<uint8_t*>(to), bytes(v));
  }
  static COPPICE_INLINE Int zero() { return vdupq_n_s32(0); }
  static COPPICE_INLINE Int all8(int v) { return as_int(vdupq_n_u8(static_cast<uint8_t>(v))); }
  static COPPICE_INLINE Int all16(int v) {
    return vreinterpretq_s32_s16(vdupq_n_s16(static_cast<int16_t>(v)));
  }
  static COPPICE_INLINE Int all32(int v) { return vdupq_n_s32(v); }
  static COPPICE_INLINE Int all64(int64_t v) { return vreinterpretq_s32_s64(vdupq_n_s64(v)); }

  static COPPICE_INLINE Int add32(Int a, Int b) { return vaddq_s32(a, b); }
  static COPPICE_INLINE Int sub32(Int a, Int b) { return vsubq_s32(a, b); }
  static COPPICE_INLINE Int mul32(Int a, Int b) { return vmulq_s32(a, b); }
  // To shift right is to shift left by a negative count.
  static COPPICE_INLINE Int shift_left32(Int a, Int count) { return vshlq_s32(a, count); }
  static COPPICE_INLINE Int shift_right32(Int a, Int count) {
    return vshlq_s32(a, vnegq_s32(count));
  }
  static COPPICE_INLINE Int logical_shift_right32(Int a, Int count) {
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vnegq_s32(count)));
  }
  static COPPICE_INLINE Int add64(Int a, Int b) {
    return vreinterpretq_s32_s64(vaddq_s64(wide(a), wide(b)));
  }
  static COPPICE_INLINE Int multiply_even(Int a, Int b) {
    return vreinterpretq_s32_s64(vmull_s32(vmovn_s64(wide(a)), vmovn_s64(wide(b))));
  }
  static COPPICE_INLINE Int odd_to_even(Int a) {
    return vreinterpretq_s32_s64(vshrq_n_s64(wide(a), 32));
  }
  static COPPICE_INLINE Int interleave_odd(Int a, Int b) { return vtrn2q_s32(a, b); }
  static COPPICE_INLINE Int doubling_high_multiply(Int a, Int b) { return vqrdmulhq_s32(a, b); }

  static COPPICE_INLINE Float load_floats(const void* from) {
    return vreinterpretq_f32_s32(load(from));
  }
  static COPPICE_INLINE Float to_float(Int a) { return vcvtq_f32_s32(a); }
  static COPPICE_INLINE Float multiply(Float a, Float b) { return vmulq_f32(a, b); }
  static COPPICE_INLINE Float divide(Float a, Float b) { return vdivq_f32(a, b); }
  static COPPICE_INLINE Float all_float(float v) { return vdupq_n_f32(v); }
  static COPPICE_INLINE Int round_float(Float a) { return vcvtnq_s32_f32(a); }
  static COPPICE_INLINE Int truncate_float(Float a) { return vcvtq_s32_f32(a); }
  static COPPICE_INLINE Int abs32(Int a) { return vabsq_s32(a); }

  static COPPICE_INLINE Int pack16(Int a, Int b) {
    return vreinterpretq_s32_s16(vqmovn_high_s32(vqmovn_s32(a), b));
  }
  static COPPICE_INLINE Int pack8(Int a, Int b) {
    return as_int(vqmovun_high_s16(vqmovun_s16(halves(a)), halves(b)));
  }
  static COPPICE_INLINE Int add16(Int a, Int b) {
    return vreinterpretq_s32_s16(vaddq_s16(halves(a), halves(b)));
  }
  static COPPICE_INLINE Int add_saturated16(Int a, Int b) {
    return vreinterpretq_s32_s16(vqaddq_s16(halves(a), halves(b)));
  }
  static COPPICE_INLINE Int min8(Int a, Int b) { return as_int(vminq_u8(bytes(a), bytes(b))); }
  static COPPICE_INLINE Int max8(Int a, Int b) { return as_int(vmaxq_u8(bytes(a), bytes(b))); }
  static COPPICE_INLINE Int xor_bits(Int a, Int b) { return veorq_s32(a, b); }
  static COPPICE_INLINE Int unpack_low8(Int a, Int b) {
    return as_int(vzip1q_u8(bytes(a), bytes(b)));
  }
  static COPPICE_INLINE Int unpack_high8(Int a, Int b) {
    return as_int(vzip2q_u8(bytes(a), bytes(b)));
  }
  static COPPICE_INLINE Int unpack_low16(Int a, Int b) {
    return vreinterpretq_s32_s16(vzip1q_s16(halves(a), halves(b)));
  }
  static COPPICE_INLINE Int unpack_high16(Int a, Int b) {
    return vreinterpretq_s32_s16(vzip2q_s16(halves(a), halves(b)));
  }

  /// One block of 128 bits is always in order.
  static COPPICE_INLINE Int in_order(Int packed) { return packed; }

  static COPPICE_INLINE Int load_first(const uint8_t* from, int count) {
    if (count == kBytes) return load(from);
    alignas(kBytes) uint8_t first[kBytes] = {};
    __builtin_memcpy(first, from, static_cast<size_t>(count));
    return load(first);
  }
  static COPPICE_INLINE void store_first(uint8_t* to, Int v, int count) {
    if (count == kBytes) return store(to, v);
    alignas(kBytes) uint8_t all[kBytes];
    store(all, v);
    __builtin_memcpy(to, all, static_cast<size_t>(count));
  }
  template <int kQuarter>
  static COPPICE_INLINE void store_quarter(uint8_t* to, Int v, int count) {
    const int32_t part = vgetq_lane_s32(v, kQuarter);
    if (count == 4) {
      __builtin_memcpy(to, &part, 4);
    } else {
      __builtin_memcpy(to, &part, static_cast<size_t>(count));
    }
  }
  template <int kHalf>
  static COPPICE_INLINE void store_half(uint8_t* to, Int v, int count) {
    const int64_t part = vgetq_lane_s64(wide(v), kHalf);
    if (count == 8) {
      __builtin_memcpy(to, &part, 8);
    } else {
      __builtin_memcpy(to, &part, static_cast<size_t>(count));
    }
  }

 protected:
  static COPPICE_INLINE uint8x16_t bytes(Int v) { return vreinterpretq_u8_s32(v); }
  static COPPICE_INLINE int16x8_t halves(Int v) { return vreinterpretq_s16_s32(v); }
  static COPPICE_INLINE int64x2_t wide(Int v) { return vreinterpretq_s64_s32(v); }
  static COPPICE_INLINE Int as_int(uint8x16_t v) { return vreinterpretq_s32_u8(v); }
};

}  // namespace coppice::kernels::simd
