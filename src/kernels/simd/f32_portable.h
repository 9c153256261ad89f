#pragma once

#include "kernels/simd/inline.h"

namespace coppice::kernels::simd {

/// Four floats of whatever the processor has at least (SSE2, NEON), by the compiler's vectors; see
/// Avx512F32.
struct PortableF32 {
  typedef float Vector __attribute__((vector_size(16)));
  struct Index {
    int at[4];
  };
  static constexpr int kLanes = 4;
  static constexpr int kRegisters = 16;

  static COPPICE_INLINE Vector zero() { return Vector{}; }
  static COPPICE_INLINE Vector all(float value) { return Vector{value, value, value, value}; }
  static COPPICE_INLINE Vector load(const float* from) {
    Vector v;
    __builtin_memcpy(&v, from, sizeof(v));
    return v;
  }
  static COPPICE_INLINE void store(float* to, Vector v) { __builtin_memcpy(to, &v, sizeof(v)); }
  static COPPICE_INLINE void store_part(float* to, Vector v, int count) {
    for (int i = 0; i < kLanes; ++i) {
      if (i < count) to[i] = v[i];
    }
  }
  static COPPICE_INLINE Vector multiply_add(Vector a, Vector b, Vector c) { return a * b + c; }
  static COPPICE_INLINE Vector add(Vector a, Vector b) { return a + b; }
  static COPPICE_INLINE Vector multiply(Vector a, Vector b) { return a * b; }
  static COPPICE_INLINE Vector divide(Vector a, Vector b) { return a / b; }
  static COPPICE_INLINE Vector min(Vector a, Vector b) { return a < b ? a : b; }
  static COPPICE_INLINE Vector max(Vector a, Vector b) { return a > b ? a : b; }
  static COPPICE_INLINE Index load_index(const int* from) {
    return {{from[0], from[1], from[2], from[3]}};
  }
  static COPPICE_INLINE Vector pick(Vector v, Index index) {
    return Vector{v[index.at[0]], v[index.at[1]], v[index.at[2]], v[index.at[3]]};
  }
};

}  // namespace coppice::kernels::simd
