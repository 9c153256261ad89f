#pragma once

#include <cstdint>

#include "kernels/simd/inline.h"

namespace coppice::kernels::simd {

/// kBytes bytes of T by the compiler's vectors, of any size that an instruction set has: for pixels
/// of few channels, which a full vector would load with many of their neighbours. V is a type of
/// the instruction set's own, so that no function of one is linked into another's.
template <class V, class T, int kBytes>
struct Lanes {
  typedef T Vector __attribute__((vector_size(kBytes)));
  static constexpr int kCount = kBytes / static_cast<int>(sizeof(T));

  static COPPICE_INLINE Vector all(T value) { return Vector{} + value; }
  static COPPICE_INLINE Vector load(const T* from) {
    Vector v;
    __builtin_memcpy(&v, from, sizeof(v));
    return v;
  }
  static COPPICE_INLINE Vector max(Vector a, Vector b) { return a > b ? a : b; }
  static COPPICE_INLINE Vector min(Vector a, Vector b) { return a < b ? a : b; }
  /// The first `count` elements, 1 <= count <= kCount.
  static COPPICE_INLINE void store_first(T* to, Vector v, int count) {
    if (count == kCount) {
      __builtin_memcpy(to, &v, sizeof(v));
    } else {
      store_pieces<kBytes / 2>(reinterpret_cast<uint8_t*>(to), reinterpret_cast<const uint8_t*>(&v),
                               count * static_cast<int>(sizeof(T)));
    }
  }

 private:
  // In pieces of halving sizes: the length is a sum of powers of two.
  template <int kSize>
  static COPPICE_INLINE void store_pieces(uint8_t* to, const uint8_t* from, int bytes) {
    if ((bytes & kSize) != 0) {
      __builtin_memcpy(to, from, kSize);
      to += kSize, from += kSize;
    }
    if constexpr (kSize > static_cast<int>(sizeof(T))) store_pieces<kSize / 2>(to, from, bytes);
  }
};

/// body(lanes) with the narrowest vector of at most kBytes that holds `count` elements, or the
/// widest.
template <class V, class T, int kBytes, class Body>
COPPICE_INLINE void with_lanes(int count, const Body& body) {
  if constexpr (kBytes > 16) {
    if (count * static_cast<int>(sizeof(T)) <= kBytes / 2)
      return with_lanes<V, T, kBytes / 2>(count, body);
  }
  body(Lanes<V, T, kBytes>{});
}

}  // namespace coppice::kernels::simd
