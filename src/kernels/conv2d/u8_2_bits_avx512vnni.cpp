#include "kernels/conv2d/u8_kernels.h"
#include "kernels/conv2d/u8_packed.h"

namespace coppice::kernels::conv_u8 {

void run_2_bits_avx512vnni(const Conv2DParams& p, const void* packed, const Image<const uint8_t>& x,
                           const Image<uint8_t>& y, RowRange rows) {
  run<Packed<4>>(p, packed, x, y, rows);
}

}  // namespace coppice::kernels::conv_u8
