#include "kernels/conv2d/u8_kernels.h"
#include "kernels/conv2d/u8_run.h"
#include "kernels/simd/neondot.h"

namespace coppice::kernels::conv_u8 {

void run_neondot(const Conv2DParams& p, const void* packed, const Image<const uint8_t>& x,
                 const Image<uint8_t>& y, RowRange rows) {
  run<simd::NeonDot>(p, packed, x, y, rows);
}

}  // namespace coppice::kernels::conv_u8
