#include "kernels/depthwise_conv2d/u8_kernels.h"
#include "kernels/depthwise_conv2d/u8_run.h"
#include "kernels/simd/sse41.h"

namespace coppice::kernels::depthwise_u8 {

void run_sse41(const DepthwiseConv2DParams& p, const void* packed, const Image<const uint8_t>& x,
               const Image<uint8_t>& y, RowRange rows) {
  run<simd::Sse41>(p, packed, x, y, rows);
}

}  // namespace coppice::kernels::depthwise_u8
