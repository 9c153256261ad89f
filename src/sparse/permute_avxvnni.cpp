#include "kernels/simd/avxvnni.h"
#include "sparse/permute_run.h"
#include "sparse/shuffle_traits.h"

namespace coppice::sparse {

void run_shuffle_avxvnni(const kernels::Conv2DParams& p, const void* packed,
                         const kernels::Image<const uint8_t>& x, const kernels::Image<uint8_t>& y,
                         kernels::RowRange rows) {
  run_permute<Shuffle<kernels::simd::AvxVnni>>(p, packed, x, y, rows);
}

}  // namespace coppice::sparse
