#pragma once

#include "coppice/kernels/depthwise_conv2d/depthwise_conv2d.h"
#include "coppice/kernels/layer_kernel.h"

namespace coppice::kernels {

/// Depthwise convolutions on uint8 images: any kernel, stride, padding, dilation and multiplier.
/// Pixels of x and y follow each other without a gap.
using DepthwiseConv2DKernelU8 = LayerKernel<uint8_t, DepthwiseConv2DParams>;
KernelList<DepthwiseConv2DKernelU8> depthwise_conv2d_kernels_u8();

/// Depthwise convolutions on int16 images, any geometry with a multiplier of 1, under the same
/// bound on sums as conv2d_kernels_i16().
using DepthwiseConv2DKernelI16 = LayerKernel<int16_t, DepthwiseConv2DParams>;
KernelList<DepthwiseConv2DKernelI16> depthwise_conv2d_kernels_i16();

/// Depthwise convolutions in float, any geometry. A sum differs from the specification's by its
/// order and by fused multiply-adds alone.
using DepthwiseConv2DKernelF32 = LayerKernel<float, DepthwiseConv2DParams>;
KernelList<DepthwiseConv2DKernelF32> depthwise_conv2d_kernels_f32();

}  // namespace coppice::kernels
