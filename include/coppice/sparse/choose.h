#pragma once

#include "coppice/sparse/formats.h"

namespace coppice::sparse {

/// Formats that can be compared for given weights.
enum class FormatKind {
  kDense,
  kKeptFilters,
  kBitmap,
  kKernelMask,
  kCoordinateList,
  kCsr,
  kBlock1x4,
  kVector4x1,
  kVector16x1,
};
inline constexpr int kFormatKinds = 9;

constexpr const char* format_name(FormatKind kind) {
  constexpr const char* kNames[kFormatKinds] = {"dense",       "kept filters",    "bitmap",
                                                "kernel mask", "coordinate list", "csr",
                                                "block 1x4",   "vector 4x1",      "vector 16x1"};
  return kNames[static_cast<int>(kind)];
}

/// All bytes that weights take in a format; 0 if it cannot hold them.
template <class T>
size_t format_bytes(FormatKind kind, const DenseWeights<T>& w) {
  const auto bytes = [&]<class Format, class... Options>(const Format*, Options... options) {
    return Format::accepts(w, options...) ? Format::bytes(w, options...) : size_t{0};
  };
  switch (kind) {
    case FormatKind::kDense:
      return ZeroTested<T>::bytes(w);
    case FormatKind::kKeptFilters:
      return bytes(static_cast<const KeptFilters<T>*>(nullptr));
    case FormatKind::kBitmap:
      return bytes(static_cast<const MaskedGroups<T>*>(nullptr), 1);
    case FormatKind::kKernelMask:
      return bytes(static_cast<const MaskedGroups<T>*>(nullptr), w.taps);
    case FormatKind::kCoordinateList:
      return bytes(static_cast<const CoordinateList<T>*>(nullptr));
    case FormatKind::kCsr:
      return bytes(static_cast<const Csr<T>*>(nullptr));
    case FormatKind::kBlock1x4:
      return bytes(static_cast<const Block1x4<T>*>(nullptr));
    case FormatKind::kVector4x1:
      return bytes(static_cast<const Vector4x1<T>*>(nullptr));
    case FormatKind::kVector16x1:
      return bytes(static_cast<const Vector16x1<T>*>(nullptr));
  }
  return 0;
}

/// Cost of a weight, in units of a dense product, for the loop that runs a format: what it spends
/// on each weight that it stores (the product and its index), on each that it does not (the test),
/// and how many times faster a dense product is where the format keeps dense runs. Measure your
/// own; the defaults are the plain kernels' of one x86 core.
struct TimeModel {
  double product = 1.0;  ///< A product of a dense run.
  double indexed = 1.6;  ///< A product through an index.
  double tested = 0.7;   ///< A test of one weight or one mask bit.
};

/// Predicted time of one output pixel, in dense products.
template <class T>
double predicted_time(FormatKind kind, const DenseWeights<T>& w, const TimeModel& model = {}) {
  const double all = static_cast<double>(w.rows) * w.columns();
  const auto nonzeros = static_cast<double>(count_nonzeros(w));
  // Values that a format keeps, from its bytes without its indices.
  const auto kept_blocks = [&](int rows, int columns, size_t ends) {
    const double per_block = 2.0 + static_cast<double>(rows * columns) * sizeof(T);
    return (static_cast<double>(format_bytes(kind, w)) - static_cast<double>(ends) * 4) /
           per_block * rows * columns;
  };
  const auto blocks_of = [&](int rows) { return static_cast<size_t>((w.rows + rows - 1) / rows); };
  switch (kind) {
    case FormatKind::kDense:
      return all * model.product;
    case FormatKind::kKeptFilters: {
      const double filters =
          (static_cast<double>(format_bytes(kind, w)) - 2.0 * w.rows) / sizeof(T);
      return filters * model.product;
    }
    case FormatKind::kBitmap:
      return all * model.tested + nonzeros * model.product;
    case FormatKind::kKernelMask: {
      const int groups = w.depth;
      double kept = 0;
      for (int row = 0; row < w.rows; ++row) {
        for (int channel = 0; channel < w.depth; ++channel) {
          bool any = false;
          for (int tap = 0; tap < w.taps; ++tap) any |= w(row, tap, channel) != T{0};
          kept += any ? w.taps : 0;
        }
      }
      return static_cast<double>(w.rows) * groups * model.tested + kept * model.product;
    }
    case FormatKind::kCoordinateList:
    case FormatKind::kCsr:
      return nonzeros * model.indexed;
    case FormatKind::kBlock1x4:
      return kept_blocks(1, 4, blocks_of(1)) *
             (model.product + (model.indexed - model.product) / 4);
    case FormatKind::kVector4x1:
      return kept_blocks(4, 1, blocks_of(4)) *
             (model.product + (model.indexed - model.product) / 4);
    case FormatKind::kVector16x1:
      return kept_blocks(16, 1, blocks_of(16)) *
             (model.product + (model.indexed - model.product) / 16);
  }
  return 0;
}

/// The format with the smallest score(kind) among those that can hold the weights.
template <class T, class Score>
FormatKind choose_format(const DenseWeights<T>& w, const Score& score) {
  FormatKind best = FormatKind::kDense;
  for (int i = 1; i < kFormatKinds; ++i) {
    const auto kind = static_cast<FormatKind>(i);
    if (format_bytes(kind, w) != 0 && score(kind) < score(best)) best = kind;
  }
  return best;
}
template <class T>
FormatKind choose_by_bytes(const DenseWeights<T>& w) {
  return choose_format(w, [&](FormatKind kind) { return format_bytes(kind, w); });
}
template <class T>
FormatKind choose_by_time(const DenseWeights<T>& w, const TimeModel& model = {}) {
  return choose_format(w, [&](FormatKind kind) { return predicted_time(kind, w, model); });
}

}  // namespace coppice::sparse
