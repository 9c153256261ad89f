#pragma once

#include "coppice/kernels/conv2d/conv2d.h"
#include "coppice/kernels/layer_kernel.h"

namespace coppice::kernels {

/// Dense convolutions on uint8 images: any kernel, stride, padding, dilation, groups. Pixels of x
/// and of y follow each other without a gap (pixel_step is the number of channels). A fully
/// connected layer is the convolution whose kernel is the whole image.
using Conv2DKernelU8 = LayerKernel<uint8_t, Conv2DParams>;
KernelList<Conv2DKernelU8> conv2d_kernels_u8();

/// The same for weights of `bits` (4 or 2) bits, which stay packed in memory and are unpacked in
/// registers; pack() still takes one weight a byte.
KernelList<Conv2DKernelU8> conv2d_kernels_u8_packed(int bits);

/// Dense convolutions on int16 images, any geometry: pairs of int16 inputs times int8 weights that
/// are widened when they are packed. The sum of a channel must fit 32 bits whatever the inputs are;
/// pack() refuses it else.
using Conv2DKernelI16 = LayerKernel<int16_t, Conv2DParams>;
KernelList<Conv2DKernelI16> conv2d_kernels_i16();

/// Convolutions in float, any geometry. A sum differs from the specification's by its order and by
/// fused multiply-adds alone.
using Conv2DKernelF32 = LayerKernel<float, Conv2DParams>;
KernelList<Conv2DKernelF32> conv2d_kernels_f32();

}  // namespace coppice::kernels
