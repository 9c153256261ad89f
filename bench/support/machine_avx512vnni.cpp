#include <immintrin.h>

#include "support/compute_loop.h"
#include "support/machine_loops.h"

namespace coppice::bench {
namespace {

struct Vnni {
  using Type = __m512i;
  static Type zero() { return _mm512_setzero_si512(); }
  static Type accumulate(Type sum, Type a, Type b) { return _mm512_dpbusd_epi32(sum, a, b); }
};

}  // namespace

void vnni_zmm(int rounds) { accumulate_rounds<Vnni>(rounds, Sums{}); }

}  // namespace coppice::bench
