#pragma once

#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "kernels/simd/vector_layout.h"

namespace coppice::kernels::depthwise_u8 {

/// packed_bytes and pack of the vector kernels (layout: u8_layout.h).
size_t packed_bytes(const simd::VectorLayout& layout, const DepthwiseConv2DParams& p);
bool pack(const simd::VectorLayout& layout, const DepthwiseConv2DParams& p, const Requantize& to,
          const int8_t* w, const int32_t* bias, void* packed);

}  // namespace coppice::kernels::depthwise_u8
