#pragma once

#include "coppice/kernels/image_ops.h"
#include "kernels/image/u8_ops.h"
#include "kernels/image/window_part.h"
#include "kernels/simd/requantize.h"

// ImageOpsI16 for the traits type T: values in lanes of 32 bits.

namespace coppice::kernels::image_i16 {

/// to[i] = value(i) for i < count, a vector at a time. What lies behind may be read.
template <class T, class Value>
COPPICE_INLINE void fill(int16_t* to, int count, const Value& value) {
  for (int i = 0; i < count; i += T::kLanes) {
    const int left = count - i;
    T::store16(to + i, value(i), left < T::kLanes ? left : T::kLanes);
  }
}

/// body(row, column, values) for runs that are contiguous in all images: rows, or else pixels.
template <class Body>
COPPICE_INLINE void for_each_run(const ImageSize& size, bool dense, const Body& body) {
  for (int row = 0; row < size.height; ++row) {
    if (dense) {
      body(row, 0, size.width * size.channels);
    } else {
      for (int column = 0; column < size.width; ++column) body(row, column, size.channels);
    }
  }
}

template <class T>
void clamp(const ImageSize& size, int16_t low, int16_t high, const Image<const int16_t>& x,
           const Image<int16_t>& y) {
  const bool dense = x.pixel_step == size.channels && y.pixel_step == size.channels;
  const auto least = T::all32(low), most = T::all32(high);
  for_each_run(size, dense, [&](int row, int column, int count) COPPICE_LAMBDA {
    const int16_t* from = x.pixel(row, column);
    fill<T>(y.pixel(row, column), count, [&](int i) COPPICE_LAMBDA {
      return T::min32(T::max32(T::widen16(from + i), least), most);
    });
  });
}

template <class T>
void copy(const ImageSize& size, const Image<const int16_t>& x, const Image<int16_t>& y) {
  clamp<T>(size, INT16_MIN, INT16_MAX, x, y);
}

/// TFLite's sum as image/u8_ops.h has it: values are at most 2^15, scaled to 2^30, and factors 1.
template <class T, class Stage>
COPPICE_INLINE void add_with(const ImageSize& size, const AddParams& p,
                             const Image<const int16_t>& a, const Image<const int16_t>& b,
                             const Image<int16_t>& y) {
  Stage* type = nullptr;
  const image_u8::StageSum<T, Stage> sum{T::zero(),
                                         T::zero(),
                                         T::all32(p.left_shift),
                                         image_u8::uniform_stage<T>(type, p.a),
                                         image_u8::uniform_stage<T>(type, p.b),
                                         image_u8::uniform_stage<T>(type, p.y)};
  const auto least = T::all32(p.min), most = T::all32(p.max);
  const bool dense = a.pixel_step == size.channels && b.pixel_step == size.channels &&
                     y.pixel_step == size.channels;
  for_each_run(size, dense, [&](int row, int column, int count) COPPICE_LAMBDA {
    const int16_t *left = a.pixel(row, column), *right = b.pixel(row, column);
    fill<T>(y.pixel(row, column), count, [&](int i) COPPICE_LAMBDA {
      const auto value = sum(T::widen16(left + i), T::widen16(right + i));
      return T::min32(T::max32(value, least), most);
    });
  });
}

template <class T>
void add(const ImageSize& size, const AddParams& p, const Image<const int16_t>& a,
         const Image<const int16_t>& b, const Image<int16_t>& y) {
  if (p.rounding == Rounding::kSingle) return add_with<T, simd::ShiftStage<T>>(size, p, a, b, y);
  add_with<T, simd::TwiceStage<T>>(size, p, a, b, y);
}

/// Reduces each window: sum = merge(sum, pixel) from `start`, then finish(sum, pixels).
template <class T, class Merge, class Finish>
COPPICE_INLINE void pool(const PoolParams<int16_t>& p, const Image<const int16_t>& x,
                         const Image<int16_t>& y, RowRange rows, typename T::Int start,
                         const Merge& merge, const Finish& finish) {
  const auto least = T::all32(p.min), most = T::all32(p.max);
  for (int oy = rows.begin; oy < rows.end; ++oy) {
    const image::Span in_rows = image::rows_of(p.window, oy);
    for (int ox = 0; ox < p.window.out_w; ++ox) {
      const image::Span columns = image::columns_of(p.window, ox);
      fill<T>(y.pixel(oy, ox), p.channels, [&](int c) COPPICE_LAMBDA {
        auto sum = start;
        for (int iy = in_rows.begin; iy < in_rows.end; ++iy) {
          const int16_t* from = x.pixel(iy, columns.begin) + c;
          for (int ix = columns.begin; ix < columns.end; ++ix, from += x.pixel_step)
            sum = merge(sum, T::widen16(from));
        }
        return T::min32(T::max32(finish(sum, in_rows.size() * columns.size()), least), most);
      });
    }
  }
}

/// pool_mean(): halves away from zero. The dividend, below 2^24 with fewer than 512 pixels, is an
/// exact float. Its quotient by a float is 1 / pixels or more away from the next integer, rounding
/// moves it by 2^-9 at most.
template <class T>
void avg_pool2d(const PoolParams<int16_t>& p, const Image<const int16_t>& x,
                const Image<int16_t>& y, RowRange rows) {
  using Int = typename T::Int;
  pool<T>(
      p, x, y, rows, T::zero(), [](Int a, Int b) COPPICE_LAMBDA { return T::add32(a, b); },
      [](Int sum, int pixels) COPPICE_LAMBDA {
        const Int sign = T::shift_right32(sum, T::all32(31));
        const Int dividend = T::add32(T::abs32(sum), T::all32(pixels / 2));
        const Int quotient = T::truncate_float(
            T::divide(T::to_float(dividend), T::all_float(static_cast<float>(pixels))));
        return T::sub32(T::xor_bits(quotient, sign), sign);
      });
}

template <class T>
void max_pool2d(const PoolParams<int16_t>& p, const Image<const int16_t>& x,
                const Image<int16_t>& y, RowRange rows) {
  using Int = typename T::Int;
  pool<T>(
      p, x, y, rows, T::all32(INT16_MIN),
      [](Int a, Int b) COPPICE_LAMBDA { return T::max32(a, b); },
      [](Int largest, int) COPPICE_LAMBDA { return largest; });
}

template <class T>
constexpr ImageOpsI16 make_ops(Isa isa) {
  return {isa, copy<T>, clamp<T>, add<T>, avg_pool2d<T>, max_pool2d<T>};
}

}  // namespace coppice::kernels::image_i16
