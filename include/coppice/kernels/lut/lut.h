#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/kernels/conv2d/conv2d.h"
#include "coppice/kernels/layer_kernel.h"

// Products by table lookup (DeepGEMM, arXiv 2304.09049; T-MAC, arXiv 2407.00088): vpshufb looks 32
// four-bit indices up at once.

namespace coppice::kernels {

/// Convolutions whose weights of `bits` (4 or 2) bits are indices into tables of the activations:
/// 16 sums for each two inputs (2 bits) or 16 products for each input (4 bits), made anew for each
/// output pixel, exact in 16 bits. pack() takes one weight a byte.
KernelList<LayerKernel<uint8_t, Conv2DParams>> conv2d_kernels_u8_lut(int bits);

/// Σ table[a[i] * 4 + w[i]] over `count` pairs of two-bit codes, packed four a byte, low crumb
/// first. A table of products makes it a dot product of two-bit weights and activations, of any
/// levels. The bytes behind the last code are not read; codes of the last byte behind `count` are
/// ignored.
using LutDot2x2 = int32_t(const int8_t* table, const uint8_t* a, const uint8_t* w, size_t count);
LutDot2x2 lut_dot_2x2_scalar;
LutDot2x2 lut_dot_2x2_avx2;

}  // namespace coppice::kernels
