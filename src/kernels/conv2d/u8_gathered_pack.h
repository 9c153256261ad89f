#pragma once

#include "coppice/kernels/conv2d/dense.h"

namespace coppice::kernels::conv_u8::gathered {

/// Whether the layer has few input channels, and pixels in lanes pay.
bool accepts(const Conv2DParams& p);
/// packed_bytes and pack for vectors of 64 bytes (layout: u8_gathered_layout.h).
size_t packed_bytes(const Conv2DParams& p);
bool pack(const Conv2DParams& p, const Requantize& to, const int8_t* w, const int32_t* bias,
          void* packed);

}  // namespace coppice::kernels::conv_u8::gathered
