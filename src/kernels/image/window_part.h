#pragma once

#include "coppice/kernels/window.h"
#include "kernels/simd/inline.h"

namespace coppice::kernels::image {

/// [begin, end) along one axis.
struct Span {
  int begin, end;
  COPPICE_INLINE int size() const { return end - begin; }
};

/// Places of a window along one axis that lie inside the image.
COPPICE_INLINE Span inside(int first, int kernel, int size) {
  return {first > 0 ? first : 0, first + kernel < size ? first + kernel : size};
}
COPPICE_INLINE Span rows_of(const Window2D& w, int oy) {
  return inside(oy * w.stride_h - w.pad_top, w.kernel_h, w.in_h);
}
COPPICE_INLINE Span columns_of(const Window2D& w, int ox) {
  return inside(ox * w.stride_w - w.pad_left, w.kernel_w, w.in_w);
}

/// The output columns whose windows have all their columns inside the image.
COPPICE_INLINE Span inner_columns(const Window2D& w) {
  const int room = w.in_w + w.pad_left - w.kernel_w;
  const int first = (w.pad_left + w.stride_w - 1) / w.stride_w;
  const int last = room < 0 ? 0 : room / w.stride_w + 1;
  const int begin = first < w.out_w ? first : w.out_w, end = last < w.out_w ? last : w.out_w;
  return {begin, begin < end ? end : begin};
}

}  // namespace coppice::kernels::image
