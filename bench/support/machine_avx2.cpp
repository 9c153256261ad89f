#include <immintrin.h>

#include "support/compute_loop.h"
#include "support/machine_loops.h"

namespace coppice::bench {
namespace {

struct Fma {
  using Type = __m256;
  static Type zero() { return _mm256_setzero_ps(); }
  static Type accumulate(Type sum, Type a, Type b) { return _mm256_fmadd_ps(a, b, sum); }
};

struct Maddubs {
  using Type = __m256i;
  static Type zero() { return _mm256_setzero_si256(); }
  static Type accumulate(Type sum, Type a, Type b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), b));
  }
  static Type load(const char* from) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(from));
  }
};

}  // namespace

void fma_ymm(int rounds) { accumulate_rounds<Fma>(rounds, Sums{}); }
void maddubs_ymm(int rounds) { accumulate_rounds<Maddubs>(rounds, Sums{}); }
void load_ymm(const void* buffer, size_t bytes, int rounds) {
  load_rounds<Maddubs>(buffer, bytes, rounds);
}

}  // namespace coppice::bench
