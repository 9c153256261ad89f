#pragma once

#include <utility>

// What a file compiled for one instruction set shares with another must leave no function behind:
// the linker would keep one copy for all. So everything small is always inlined.
#define COPPICE_INLINE inline __attribute__((always_inline))
// For loops of a few constant rounds over registers: lambdas that capture arrays of vectors make
// GCC 12 keep them in memory.
#if defined(__clang__)
#define COPPICE_UNROLL _Pragma("unroll")
#else
#define COPPICE_UNROLL _Pragma("GCC unroll 16")
#endif
#define COPPICE_LAMBDA __attribute__((always_inline))  // After a lambda's parameters.

// GCC 12's AVX-512 intrinsics start from undefined vectors on purpose (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

namespace coppice::kernels::simd {

template <class Body, int... kIndex>
COPPICE_INLINE constexpr void unroll_indices([[maybe_unused]] Body&& body,
                                             std::integer_sequence<int, kIndex...>) {
  (body(std::integral_constant<int, kIndex>{}), ...);
}

/// body(0), ..., body(kCount - 1), each index a constant.
template <int kCount, class Body>
COPPICE_INLINE constexpr void unroll(Body&& body) {
  unroll_indices(body, std::make_integer_sequence<int, kCount>{});
}

}  // namespace coppice::kernels::simd
