#include "kernels/depthwise_conv2d/u8_kernels.h"
#include "kernels/depthwise_conv2d/u8_run.h"
#include "kernels/simd/avx512vnni.h"

namespace coppice::kernels::depthwise_u8 {

// In u8_integer_avx512vnni.cpp.
extern template RunStage run_stage<simd::Avx512Vnni, simd::ShiftStage<simd::Avx512Vnni>>;
extern template RunStage run_stage<simd::Avx512Vnni, simd::TwiceStage<simd::Avx512Vnni>>;

void run_avx512vnni(const DepthwiseConv2DParams& p, const void* packed,
                    const Image<const uint8_t>& x, const Image<uint8_t>& y, RowRange rows) {
  run<simd::Avx512Vnni>(p, packed, x, y, rows);
}

}  // namespace coppice::kernels::depthwise_u8
