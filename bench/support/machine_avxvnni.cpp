#include <immintrin.h>

#include "support/compute_loop.h"
#include "support/machine_loops.h"

namespace coppice::bench {
namespace {

struct Vnni {
  using Type = __m256i;
  static Type zero() { return _mm256_setzero_si256(); }
  static Type accumulate(Type sum, Type a, Type b) { return _mm256_dpbusd_avx_epi32(sum, a, b); }
};

}  // namespace

void vnni_ymm(int rounds) { accumulate_rounds<Vnni>(rounds, Sums{}); }

}  // namespace coppice::bench
