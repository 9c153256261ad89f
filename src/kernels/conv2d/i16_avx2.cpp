#include "kernels/simd/i16_avx2.h"
#include "kernels/conv2d/i16_kernels.h"
#include "kernels/conv2d/i16_run.h"

namespace coppice::kernels::conv_i16 {

void run_avx2(const Conv2DParams& p, const void* packed, const Image<const int16_t>& x,
              const Image<int16_t>& y, RowRange rows) {
  run<simd::Avx2I16>(p, packed, x, y, rows);
}

}  // namespace coppice::kernels::conv_i16
