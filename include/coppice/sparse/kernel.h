#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/kernels/layer_kernel.h"
#include "coppice/sparse/weights.h"

namespace coppice::sparse {

/// Which zeros a kernel can leave out.
enum class Pattern {
  kUnstructured,  ///< Any.
  kBlock1x4,      ///< Four consecutive inputs of one output channel.
  kNOfM,          ///< At most N of M consecutive inputs are not zero; N:M as in n_of_m.h.
  kVector4x1,     ///< Four consecutive output channels of one input.
  kVector16x1,    ///< Sixteen of them.
};

/// A layer whose packed weights leave zeros out, on images of T: uint8_t (int8 arithmetic, see
/// kernels/image.h) or float. As kernels::LayerKernel, but what it packs depends on the weights.
template <class T, class LayerParams>
struct SparseKernel {
  using Params = LayerParams;
  using Value = T;
  using Weight = typename kernels::LayerKernel<T, Params>::Weight;
  using Bias = typename kernels::LayerKernel<T, Params>::Bias;
  using Output = typename kernels::LayerKernel<T, Params>::Output;

  const char* name;
  Pattern pattern;
  Isa isa;  ///< What it needs.
  /// Whether it can run this geometry and these weights (OHWI, or HWC) at all. The pattern decides:
  /// blocks and single weights take any weights, N:M only its own.
  bool (*accepts)(const Params& p, const Weight* w);
  /// Bytes of the packed layer, aligned to 64.
  size_t (*packed_bytes)(const Params& p, const Weight* w);
  /// Packs weights, bias (or null) and the last stage. False when sums could leave the range in
  /// which the kernel equals the specification.
  bool (*pack)(const Params& p, const Output& to, const Weight* w, const Bias* bias, void* packed);
  /// Computes rows of y from x, whose border holds the padding. Pixels of x follow each other
  /// without a gap.
  void (*run)(const Params& p, const void* packed, const kernels::Image<const T>& x,
              const kernels::Image<T>& y, kernels::RowRange rows);
  /// Steps of the inner loop for one output pixel, times the weights of a step: what it multiplies,
  /// padding included, over what a dense kernel multiplies.
  double (*executed_share)(const Params& p, const void* packed);
};

template <class T>
using SparseConv2D = SparseKernel<T, kernels::Conv2DParams>;
using SparseConv2DU8 = SparseConv2D<uint8_t>;
using SparseConv2DF32 = SparseConv2D<float>;
template <class T>
using SparseDepthwise = SparseKernel<T, kernels::DepthwiseConv2DParams>;

/// All kernels of this machine's architecture, best first within a pattern.
using SparseConv2DU8List = kernels::KernelList<SparseConv2DU8>;
SparseConv2DU8List sparse_conv2d_u8();
/// Float sums differ from the specification's by their order and by fused multiply-adds alone.
kernels::KernelList<SparseConv2DF32> sparse_conv2d_f32();

/// Depthwise convolutions. Vectors of channels cannot skip a zero of one channel; these leave out
/// channels whose kernel is zero, and taps (int8: columns of a kernel) that are zero in all
/// channels of a vector.
kernels::KernelList<SparseDepthwise<uint8_t>> sparse_depthwise_conv2d_u8();
kernels::KernelList<SparseDepthwise<float>> sparse_depthwise_conv2d_f32();

}  // namespace coppice::sparse
