#include "kernels/depthwise_conv2d/u8_run.h"
#include "kernels/simd/avx512vnni.h"

// The stages of the other roundings: all in one file take 20 s to compile.

namespace coppice::kernels::depthwise_u8 {

template RunStage run_stage<simd::Avx512Vnni, simd::ShiftStage<simd::Avx512Vnni>>;
template RunStage run_stage<simd::Avx512Vnni, simd::TwiceStage<simd::Avx512Vnni>>;

}  // namespace coppice::kernels::depthwise_u8
