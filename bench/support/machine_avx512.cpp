#include <immintrin.h>

#include "support/compute_loop.h"
#include "support/machine_loops.h"

namespace coppice::bench {
namespace {

struct Fma {
  using Type = __m512;
  static Type zero() { return _mm512_setzero_ps(); }
  static Type accumulate(Type sum, Type a, Type b) { return _mm512_fmadd_ps(a, b, sum); }
};

struct Maddubs {
  using Type = __m512i;
  static Type zero() { return _mm512_setzero_si512(); }
  static Type accumulate(Type sum, Type a, Type b) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), b));
  }
  static Type load(const char* from) { return _mm512_load_si512(from); }
};

}  // namespace

void fma_zmm(int rounds) { accumulate_rounds<Fma>(rounds, Sums{}); }
void maddubs_zmm(int rounds) { accumulate_rounds<Maddubs>(rounds, Sums{}); }
void load_zmm(const void* buffer, size_t bytes, int rounds) {
  load_rounds<Maddubs>(buffer, bytes, rounds);
}

}  // namespace coppice::bench
