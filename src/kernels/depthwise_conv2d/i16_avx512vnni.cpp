#include "kernels/simd/i16_avx512vnni.h"
#include "kernels/depthwise_conv2d/i16_kernels.h"
#include "kernels/depthwise_conv2d/i16_run.h"

namespace coppice::kernels::depthwise_i16 {

void run_avx512vnni(const DepthwiseConv2DParams& p, const void* packed,
                    const Image<const int16_t>& x, const Image<int16_t>& y, RowRange rows) {
  run<simd::Avx512VnniI16>(p, packed, x, y, rows);
}

}  // namespace coppice::kernels::depthwise_i16
