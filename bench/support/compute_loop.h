#pragma once

#include <cstddef>
#include <utility>

// Included by one file for each instruction set, each of which instantiates it with vectors of its
// own in an anonymous namespace.

namespace coppice::bench {
namespace {

/// One accumulation. The empty assembly keeps the values opaque and in registers, so that no
/// accumulation is like the one before it.
template <class V>
[[gnu::always_inline]] inline void accumulate_once(typename V::Type& sum, typename V::Type& a,
                                                   typename V::Type& b) {
  asm volatile("" : "+x"(a), "+x"(b));
  sum = V::accumulate(sum, a, b);
  asm volatile("" : "+x"(sum));
}

/// One accumulation into each of sizeof...(kIndex) sums a round.
template <class V, int... kIndex>
void accumulate_rounds(int rounds, std::integer_sequence<int, kIndex...>) {
  typename V::Type a = V::zero(), b = V::zero();
  typename V::Type sums[sizeof...(kIndex)];
  ((sums[kIndex] = V::zero()), ...);
  for (int round = 0; round < rounds; ++round) (accumulate_once<V>(sums[kIndex], a, b), ...);
}

// Twelve independent sums hide a latency of 4 cycles at 2 or 3 operations a cycle.
using Sums = std::make_integer_sequence<int, 12>;

/// Loads each vector of the buffer, eight a step.
template <class V>
void load_rounds(const void* buffer, size_t bytes, int rounds) {
  const char* begin = static_cast<const char*>(buffer);
  for (int round = 0; round < rounds; ++round) {
    for (size_t at = 0; at < bytes; at += 8 * sizeof(typename V::Type)) {
#pragma GCC unroll 8
      for (size_t i = 0; i < 8; ++i) {
        const auto value = V::load(begin + at + i * sizeof(typename V::Type));
        asm volatile("" : : "x"(value));
      }
    }
  }
}

}  // namespace
}  // namespace coppice::bench
