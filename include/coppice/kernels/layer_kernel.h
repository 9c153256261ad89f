#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "coppice/core/isa.h"
#include "coppice/kernels/image.h"
#include "coppice/kernels/requantize.h"

namespace coppice::kernels {

/// A kernel of a layer with weights, on images of T: uint8_t (int8 arithmetic, see image.h),
/// int16_t or float. A family is the list of these for one op and one T; dispatch, tests, tables
/// and benchmarks all follow from the list.
template <class T, class LayerParams>
struct LayerKernel {
  static constexpr bool kIsFloat = std::is_same_v<T, float>;
  using Params = LayerParams;
  using Value = T;
  using Weight = std::conditional_t<kIsFloat, float, int8_t>;
  using Bias = std::conditional_t<kIsFloat, float, int32_t>;
  using Output = std::conditional_t<
      kIsFloat, ClampFloat,
      std::conditional_t<std::is_same_v<T, int16_t>, RequantizeWide, Requantize>>;

  const char* name;
  Isa isa;  ///< What it needs.
  /// Whether it can run this geometry at all, and pays.
  bool (*accepts)(const Params& p);
  /// Bytes of the packed layer; it wants an alignment of 64.
  size_t (*packed_bytes)(const Params& p);
  /// Packs weights (in the layout of Params), bias (or null) and the last stage. False when the
  /// layer's sums could leave the range in which the kernel equals the specification.
  bool (*pack)(const Params& p, const Output& to, const Weight* w, const Bias* bias, void* packed);
  /// Computes rows of y from x, whose border holds the padding.
  void (*run)(const Params& p, const void* packed, const Image<const T>& x, const Image<T>& y,
              RowRange rows);
};

/// A list of kernels, best first.
template <class Kernel>
struct KernelList {
  const Kernel* first = nullptr;
  int count = 0;

  constexpr const Kernel* begin() const { return first; }
  constexpr const Kernel* end() const { return first + count; }
};

}  // namespace coppice::kernels
