#include "kernels/conv2d/u8_gathered_run.h"
#include "kernels/conv2d/u8_kernels.h"
#include "kernels/simd/avx512vnni.h"

namespace coppice::kernels::conv_u8 {

void run_gathered_avx512vnni(const Conv2DParams& p, const void* packed,
                             const Image<const uint8_t>& x, const Image<uint8_t>& y,
                             RowRange rows) {
  gathered::run<simd::Avx512Vnni>(p, packed, x, y, rows);
}

}  // namespace coppice::kernels::conv_u8
