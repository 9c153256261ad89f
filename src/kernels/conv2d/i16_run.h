#pragma once

#include "kernels/conv2d/i16_kernels.h"
#include "kernels/conv2d/u8_run.h"

// The convolution of int16 for the traits type T: words of two inputs where u8_run.h has words of
// four, so that the same tiles serve. Layout: u8_layout.h of twice the input channels, each of one
// byte; blocks of four vectors hold their channels in order.

namespace coppice::kernels::conv_i16 {

/// An int16 image as one of bytes.
template <class Byte, class Value>
COPPICE_INLINE Image<Byte> bytes_of(const Image<Value>& image) {
  return {reinterpret_cast<Byte*>(image.data), 2 * image.row_step, 2 * image.pixel_step};
}

template <class T>
void run(const Conv2DParams& p, const void* packed, const Image<const int16_t>& x,
         const Image<int16_t>& y, RowRange rows) {
  conv_u8::run_stage<T, simd::ShiftStage<T>>(in_bytes(p), static_cast<const std::byte*>(packed),
                                             bytes_of<const uint8_t>(x), bytes_of<uint8_t>(y),
                                             rows);
}

}  // namespace coppice::kernels::conv_i16
