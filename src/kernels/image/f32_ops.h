#pragma once

#include "coppice/kernels/image_ops.h"
#include "kernels/image/max_pool.h"

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

  /// The means of `pixels` pixels in kVectors vectors of channels at a time: their sums do not
  /// wait for each other.
  template <int kVectors>
  static COPPICE_INLINE void average(const PoolParams<float>& p, image::Span rows,
                                     image::Span columns, const Image<const float>& x, int channel,
                                     float* to) {
    Vector sums[kVectors];
    COPPICE_UNROLL
    for (int i = 0; i < kVectors; ++i) sums[i] = V::zero();
    for (int iy = rows.begin; iy < rows.end; ++iy) {
      const float* from = x.pixel(iy, columns.begin) + channel;
      for (int ix = columns.begin; ix < columns.end; ++ix, from += x.pixel_step) {
        COPPICE_UNROLL
        for (int i = 0; i < kVectors; ++i) sums[i] = V::add(sums[i], V::load(from + i * kLanes));
      }
    }
    const Vector pixels = V::all(static_cast<float>(rows.size() * columns.size()));
    const Vector low = V::all(p.min), high = V::all(p.max);
    COPPICE_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      const Vector mean = V::min(V::max(V::divide(sums[i], pixels), low), high);
      const int rest = p.channels - channel - i * kLanes;
      if (rest >= kLanes) {
        V::store(to + channel + i * kLanes, mean);
      } else {
        V::store_part(to + channel + i * kLanes, mean, rest);
      }
    }
  }

  static void avg_pool2d(const PoolParams<float>& p, const Image<const float>& x,
                         const Image<float>& y, RowRange rows) {
    for (int oy = rows.begin; oy < rows.end; ++oy) {
      const image::Span v = image::rows_of(p.window, oy);
      for (int ox = 0; ox < p.window.out_w; ++ox) {
        const image::Span h = image::columns_of(p.window, ox);
        float* to = y.pixel(oy, ox);
        int c = 0;
        for (; c + 3 * kLanes < p.channels; c += 4 * kLanes) average<4>(p, v, h, x, c, to);
        for (; c < p.channels; c += kLanes) average<1>(p, v, h, x, c, to);
      }
    }
  }

  static void max_pool2d(const PoolParams<float>& p, const Image<const float>& x,
                         const Image<float>& y, RowRange rows) {
    image::max_pool2d<V, sizeof(Vector), float>(p.window, p.channels, p.min, p.max, x, y, rows);
  }

  static constexpr ImageOpsF32 ops(Isa isa) {
    return {isa, copy, clamp, add, avg_pool2d, max_pool2d};
  }
};

}  // namespace coppice::kernels
