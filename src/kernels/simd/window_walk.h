#pragma once

#include <cstddef>

#include "coppice/kernels/image.h"
#include "coppice/kernels/window.h"

namespace coppice::kernels::simd {

/// Goes over the output pixels from a row on in memory order, a few at a time, and says where the
/// window of each begins and where its result goes. V: the vector type, so that each instruction
/// set has its own.
template <class V, class T>
class WindowWalk {
 public:
  WindowWalk(const Window2D& window, const Image<const T>& in, const Image<T>& out, int first_row)
      : from_(in.pixel(first_row * window.stride_h - window.pad_top, -window.pad_left)),
        to_(out.pixel(first_row, 0)),
        from_row_(from_),
        to_row_(to_),
        from_step_(window.stride_w * in.pixel_step),
        to_step_(out.pixel_step),
        from_row_step_(window.stride_h * in.row_step),
        to_row_step_(out.row_step),
        width_(window.out_w) {}

  /// The next `count` pixels.
  void take(int count, const T** from, T** to) {
    if (count < width_ - column_) {
      for (int i = 0; i < count; ++i) {
        from[i] = from_ + i * from_step_;
        to[i] = to_ + i * to_step_;
      }
      from_ += count * from_step_;
      to_ += count * to_step_;
      column_ += count;
      return;
    }
    for (int i = 0; i < count; ++i) {
      from[i] = from_;
      to[i] = to_;
      step();
    }
  }

 private:
  void step() {
    from_ += from_step_;
    to_ += to_step_;
    if (++column_ < width_) return;
    column_ = 0;
    from_ = from_row_ += from_row_step_;
    to_ = to_row_ += to_row_step_;
  }

  const T* from_;
  T* to_;
  const T* from_row_;
  T* to_row_;
  ptrdiff_t from_step_, to_step_, from_row_step_, to_row_step_;
  int width_, column_ = 0;
};

}  // namespace coppice::kernels::simd
