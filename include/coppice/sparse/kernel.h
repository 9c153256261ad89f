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
};

/// A convolution whose packed weights leave zeros out, on uint8 images (kernels/image.h). As
/// kernels::LayerKernel, but what it packs depends on the weights.
struct SparseConv2DU8 {
  using Params = kernels::Conv2DParams;
  using Value = uint8_t;

  const char* name;
  Pattern pattern;
  Isa isa;  ///< What it needs.
  /// Whether it can run this geometry and these weights (OHWI) at all. The pattern decides: blocks
  /// and single weights take any weights, N:M only its own.
  bool (*accepts)(const Params& p, const int8_t* w);
  /// Bytes of the packed layer, aligned to 64.
  size_t (*packed_bytes)(const Params& p, const int8_t* w);
  /// Packs weights, bias (or null) and the last stage. False when sums could leave the range in
  /// which the kernel equals the specification.
  bool (*pack)(const Params& p, const kernels::Requantize& to, const int8_t* w, const int32_t* bias,
               void* packed);
  /// Computes rows of y from x, whose border holds the padding. Pixels of x follow each other
  /// without a gap.
  void (*run)(const Params& p, const void* packed, const kernels::Image<const uint8_t>& x,
              const kernels::Image<uint8_t>& y, kernels::RowRange rows);
  /// Steps of the inner loop for one output pixel, times the weights of a step: what it multiplies,
  /// padding included, over what a dense kernel multiplies.
  double (*executed_share)(const Params& p, const void* packed);
};

/// All kernels of this machine's architecture, best first within a pattern.
struct SparseConv2DU8List {
  const SparseConv2DU8* first = nullptr;
  int count = 0;

  constexpr const SparseConv2DU8* begin() const { return first; }
  constexpr const SparseConv2DU8* end() const { return first + count; }
};
SparseConv2DU8List sparse_conv2d_u8();

}  // namespace coppice::sparse
