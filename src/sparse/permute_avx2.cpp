#include "kernels/simd/avx2.h"
#include "sparse/permute_run.h"
#include "sparse/shuffle_traits.h"

namespace coppice::sparse {
namespace {

/// vpmaddubsw saturates; the packer pairs weights so that it never does (ShufflePairs).
struct Pairs : kernels::simd::Avx2Base {
  using Weights = Int;

  static COPPICE_INLINE Weights load_weights(const int8_t* from) { return load(from); }
  static COPPICE_INLINE Int dot(Int sum, Int x, Weights w) {
    return add32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), all16(1)));
  }
};

}  // namespace

void run_shuffle_pairs_avx2(const kernels::Conv2DParams& p, const void* packed,
                            const kernels::Image<const uint8_t>& x,
                            const kernels::Image<uint8_t>& y, kernels::RowRange rows) {
  run_permute<Shuffle<Pairs>>(p, packed, x, y, rows);
}

}  // namespace coppice::sparse
