#pragma once

#include "coppice/kernels/image_ops.h"
#include "kernels/simd/inline.h"

namespace coppice::kernels {

/// The layers without weights on float images, written once over the vectors of an instruction set.
/// The last vector of a run of channels is read whole (the slack behind an image allows it) and
/// written in part.
template <class V>
struct ImageOpsSimdF32 {
  using Vector = typename V::Vector;
  static constexpr int kLanes = V::kLanes;

  /// to[i] = value(i) for i < count, a vector at a time.
  template <class Value>
  static COPPICE_INLINE void fill(float* to, int count, const Value& value) {
    int i = 0;
    for (; i + kLanes <= count; i += kLanes) V::store(to + i, value(i));
    if (i < count) V::store_part(to + i, value(i), count - i);
  }

  /// body(y, x, floats) for runs of floats that are contiguous in all images: rows, or else pixels.
  template <class Body>
  static COPPICE_INLINE void for_each_run(const ImageSize& size, bool dense, const Body& body) {
    for (int y = 0; y < size.height; ++y) {
      if (dense) {
        body(y, 0, size.width * size.channels);
      } else {
        for (int x = 0; x < size.width; ++x) body(y, x, size.channels);
      }
    }
  }

  static void copy(const ImageSize& size, const Image<const float>& x, const Image<float>& y) {
    const bool dense = x.pixel_step == size.channels && y.pixel_step == size.channels;
    for_each_run(size, dense, [&](int row, int column, int count) COPPICE_LAMBDA {
      const float* from = x.pixel(row, column);
      fill(y.pixel(row, column), count, [&](int i) COPPICE_LAMBDA { return V::load(from + i); });
    });
  }

  static void clamp(const ImageSize& size, const ClampFloat& to, const Image<const float>& x,
                    const Image<float>& y) {
    const bool dense = x.pixel_step == size.channels && y.pixel_step == size.channels;
    const Vector low = V::all(to.min), high = V::all(to.max);
    for_each_run(size, dense, [&](int row, int column, int count) COPPICE_LAMBDA {
      const float* from = x.pixel(row, column);
      fill(y.pixel(row, column), count,
           [&](int i) COPPICE_LAMBDA { return V::min(V::max(V::load(from + i), low), high); });
    });
  }

  static void add(const ImageSize& size, const ClampFloat& to, const Image<const float>& a,
                  const Image<const float>& b, const Image<float>& y) {
    const bool dense = a.pixel_step == size.channels && b.pixel_step == size.channels &&
                       y.pixel_step == size.channels;
    const Vector low = V::all(to.min), high = V::all(to.max);
    for_each_run(size, dense, [&](int row, int column, int count) COPPICE_LAMBDA {
      const float* left = a.pixel(row, column);
      const float* right = b.pixel(row, column);
      fill(y.pixel(row, column), count, [&](int i) COPPICE_LAMBDA {
        return V::min(V::max(V::add(V::load(left + i), V::load(right + i)), low), high);
      });
    });
  }

  /// Places of a window along one axis that lie inside the image, [begin, end).
  struct Span {
    int begin, end;
    COPPICE_INLINE Span(int first, int kernel, int size)
        : begin(first > 0 ? first : 0), end(first + kernel < size ? first + kernel : size) {}
  };

  /// Reduces each window: sum = merge(sum, pixel) from `start`, then finish(sum, pixels).
  template <class Merge, class Finish>
  static COPPICE_INLINE void pool(const PoolParams<float>& p, const Image<const float>& x,
                                  const Image<float>& y, RowRange rows, Vector start,
                                  const Merge& merge, const Finish& finish) {
    const Window2D& w = p.window;
    for (int oy = rows.begin; oy < rows.end; ++oy) {
      const Span v(oy * w.stride_h - w.pad_top, w.kernel_h, w.in_h);
      for (int ox = 0; ox < w.out_w; ++ox) {
        const Span h(ox * w.stride_w - w.pad_left, w.kernel_w, w.in_w);
        const Vector pixels = V::all(static_cast<float>((v.end - v.begin) * (h.end - h.begin)));
        fill(y.pixel(oy, ox), p.channels, [&](int c) COPPICE_LAMBDA {
          Vector sum = start;
          for (int iy = v.begin; iy < v.end; ++iy) {
            const float* from = x.pixel(iy, h.begin) + c;
            for (int ix = h.begin; ix < h.end; ++ix, from += x.pixel_step) {
              sum = merge(sum, V::load(from));
            }
          }
          return finish(sum, pixels);
        });
      }
    }
  }

  static void avg_pool2d(const PoolParams<float>& p, const Image<const float>& x,
                         const Image<float>& y, RowRange rows) {
    const Vector low = V::all(p.min), high = V::all(p.max);
    pool(
        p, x, y, rows, V::zero(), [](Vector a, Vector b) COPPICE_LAMBDA { return V::add(a, b); },
        [&](Vector sum, Vector pixels)
            COPPICE_LAMBDA { return V::min(V::max(V::divide(sum, pixels), low), high); });
  }

  static void max_pool2d(const PoolParams<float>& p, const Image<const float>& x,
                         const Image<float>& y, RowRange rows) {
    const Vector high = V::all(p.max);
    pool(
        p, x, y, rows, V::all(p.min),
        [](Vector a, Vector b) COPPICE_LAMBDA { return V::max(a, b); },
        [&](Vector largest, Vector) COPPICE_LAMBDA { return V::min(largest, high); });
  }

  static constexpr ImageOpsF32 ops(Isa isa) {
    return {isa, copy, clamp, add, avg_pool2d, max_pool2d};
  }
};

}  // namespace coppice::kernels
