#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/kernels/image_ops.h"
#include "kernels/image/max_pool.h"
#include "kernels/simd/requantize.h"

// ImageOpsU8 for the traits type T.

namespace coppice::kernels::image_u8 {

/// How rows of bytes lie: one run if rows (or whole images) are without gaps, else pixel by pixel.
struct Spans {
  int rows, spans, bytes;  ///< `rows` times `spans` spans of `bytes`.
};

COPPICE_INLINE Spans spans_of(const ImageSize& size, bool dense_pixels) {
  if (dense_pixels) return {size.height, 1, size.width * size.channels};
  return {size.height, size.width, size.channels};
}

/// body(x offset, y offset, count) for pieces of at most kBytes bytes. `a` and `b` share steps if
/// both are given.
template <class T, class Body>
COPPICE_INLINE void for_each_piece(const ImageSize& size, const Image<const uint8_t>& x,
                                   const Image<uint8_t>& y, const Body& body) {
  const bool dense = x.pixel_step == size.channels && y.pixel_step == size.channels;
  const Spans spans = spans_of(size, dense);
  for (int row = 0; row < spans.rows; ++row) {
    for (int span = 0; span < spans.spans; ++span) {
      const ptrdiff_t from = row * x.row_step + span * x.pixel_step;
      const ptrdiff_t to = row * y.row_step + span * y.pixel_step;
      int at = 0;
      for (; at + T::kBytes <= spans.bytes; at += T::kBytes) body(from + at, to + at, T::kBytes);
      if (at < spans.bytes) body(from + at, to + at, spans.bytes - at);
    }
  }
}

template <class T>
void copy(const ImageSize& size, uint8_t flip, const Image<const uint8_t>& x,
          const Image<uint8_t>& y) {
  const auto bits = T::all8(flip);
  for_each_piece<T>(size, x, y, [&](ptrdiff_t from, ptrdiff_t to, int count) COPPICE_LAMBDA {
    T::store_first(y.data + to, T::xor_bits(T::load_first(x.data + from, count), bits), count);
  });
}

template <class T>
void clamp(const ImageSize& size, int8_t low, int8_t high, const Image<const uint8_t>& x,
           const Image<uint8_t>& y) {
  const auto least = T::all8(low + 128), most = T::all8(high + 128);
  for_each_piece<T>(size, x, y, [&](ptrdiff_t from, ptrdiff_t to, int count) COPPICE_LAMBDA {
    T::store_first(y.data + to, T::min8(T::max8(T::load(x.data + from), least), most), count);
  });
}

/// int32 lanes of the four quarters of some bytes, in the order that pack8 of pack16 undoes.
template <class T>
struct Quarters {
  typename T::Int v[4];

  static COPPICE_INLINE Quarters widen(typename T::Int bytes) {
    const auto zero = T::zero();
    const auto low = T::unpack_low8(bytes, zero), high = T::unpack_high8(bytes, zero);
    return {T::unpack_low16(low, zero), T::unpack_high16(low, zero), T::unpack_low16(high, zero),
            T::unpack_high16(high, zero)};
  }
};

/// XNNPACK's sum: (a * a_factor + b * b_factor + constant) >> shift. In 32 bits: factors have 21
/// bits, so the whole stays below 2 * 255 * 2^21 + 2^30 < 2^31 (add_by_factors() sees to it
/// itself).
template <class T>
struct FactorSum {
  typename T::Int a_factor, b_factor, constant, shift;

  static COPPICE_INLINE FactorSum make(const AddParams& p) {
    const uint32_t half = uint32_t{1} << (p.right_shift - 1);
    const uint32_t zeros =
        static_cast<uint32_t>(p.a_zero + 128) * static_cast<uint32_t>(p.a_factor) +
        static_cast<uint32_t>(p.b_zero + 128) * static_cast<uint32_t>(p.b_factor);
    return {T::all32(p.a_factor), T::all32(p.b_factor),
            T::all32(static_cast<int>(half - zeros) + p.nudge), T::all32(p.right_shift)};
  }
  COPPICE_INLINE typename T::Int operator()(typename T::Int a, typename T::Int b) const {
    const auto products = T::add32(T::mul32(a, a_factor), T::mul32(b, b_factor));
    return T::shift_right32(T::add32(products, constant), shift);
  }
};

/// TFLite's sum: both inputs to a common scale, then to the output's, each rounded. All lanes are
/// of one channel.
template <class T, class Stage>
struct StageSum {
  typename T::Int a_zero, b_zero, left;
  Stage a, b, y;

  COPPICE_INLINE typename T::Int operator()(typename T::Int a_value,
                                            typename T::Int b_value) const {
    const auto a_scaled = a.apply(T::shift_left32(T::sub32(a_value, a_zero), left));
    const auto b_scaled = b.apply(T::shift_left32(T::sub32(b_value, b_zero), left));
    return y.apply(T::add32(a_scaled, b_scaled));
  }
};

/// One factor on all lanes, as simd/stage_pack.cpp has it for channels; inputs of a sum are at most
/// 2^28, so nothing leaves 32 bits while the factors are at most 1.
template <class T>
COPPICE_INLINE simd::ShiftStage<T> uniform_stage(simd::ShiftStage<T>*, QuantizedMultiplier by) {
  const int left = by.shift < 0 ? 0 : by.shift + 1;
  const auto addend = T::all64(int64_t{1} << (30 - by.shift + left));
  return {T::all32(by.multiplier),
          T::all32(left),
          T::all32(by.shift < 0 ? -by.shift - 1 : 0),
          addend,
          addend,
          left != 0};
}
template <class T>
COPPICE_INLINE simd::TwiceStage<T> uniform_stage(simd::TwiceStage<T>*, QuantizedMultiplier by) {
  const int left = by.shift > 0 ? by.shift : 0, exponent = by.shift < 0 ? -by.shift : 0;
  return {T::all32(by.multiplier),
          T::all32(left),
          T::all32(exponent > 0 ? 31 : 32),
          T::all32(exponent > 0 ? 1 << (exponent - 1) : 0),
          T::all32(exponent),
          left != 0};
}
template <class T, class Stage>
COPPICE_INLINE StageSum<T, Stage> make_stage_sum(const AddParams& p) {
  Stage* type = nullptr;
  return {T::all32(p.a_zero + 128),    T::all32(p.b_zero + 128),    T::all32(kAddLeftShift),
          uniform_stage<T>(type, p.a), uniform_stage<T>(type, p.b), uniform_stage<T>(type, p.y)};
}

template <class T, class Sum>
void add_with(const ImageSize& size, const AddParams& p, const Sum& sum,
              const Image<const uint8_t>& a, const Image<const uint8_t>& b,
              const Image<uint8_t>& y) {
  simd::StageHeader header;
  header.zero = p.y_zero + 128, header.min = p.min + 128, header.max = p.max + 128;
  header.saturates = header.zero == 0 && header.min == 0 && header.max == 255;
  const auto finish = simd::Finish<T>::load(header);
  const int bytes = size.width * size.channels;
  for (int row = 0; row < size.height; ++row) {
    for (int at = 0; at < bytes; at += T::kBytes) {
      const auto left = Quarters<T>::widen(T::load(a.data + row * a.row_step + at));
      const auto right = Quarters<T>::widen(T::load(b.data + row * b.row_step + at));
      const auto packed = finish.bytes(sum(left.v[0], right.v[0]), sum(left.v[1], right.v[1]),
                                       sum(left.v[2], right.v[2]), sum(left.v[3], right.v[3]));
      const int rest = bytes - at;
      T::store_first(y.data + row * y.row_step + at, packed, rest < T::kBytes ? rest : T::kBytes);
    }
  }
}

template <class T>
void add(const ImageSize& size, const AddParams& p, const Image<const uint8_t>& a,
         const Image<const uint8_t>& b, const Image<uint8_t>& y) {
  switch (p.rounding) {
    case Rounding::kFloat:
      return add_with<T>(size, p, FactorSum<T>::make(p), a, b, y);
    case Rounding::kSingle:
      return add_with<T>(size, p, make_stage_sum<T, simd::ShiftStage<T>>(p), a, b, y);
    case Rounding::kDouble:
      return add_with<T>(size, p, make_stage_sum<T, simd::TwiceStage<T>>(p), a, b, y);
  }
}

template <class T>
void max_pool2d(const PoolParams<int8_t>& p, const Image<const uint8_t>& x, const Image<uint8_t>& y,
                RowRange rows) {
  image::max_pool2d<T, T::kBytes, uint8_t>(p.window, p.channels, static_cast<uint8_t>(p.min + 128),
                                           static_cast<uint8_t>(p.max + 128), x, y, rows);
}

/// Sums of bytes in int32, of the pixels at these places from a channel on.
template <class T>
COPPICE_INLINE Quarters<T> sum_pixels(image::Span rows, image::Span columns,
                                      const Image<const uint8_t>& x, int channel) {
  using Int = typename T::Int;
  Quarters<T> total{{T::zero(), T::zero(), T::zero(), T::zero()}};
  Int low = T::zero(), high = T::zero();
  int pending = 0;
  const auto flush = [&]() COPPICE_LAMBDA {
    total.v[0] = T::add32(total.v[0], T::unpack_low16(low, T::zero()));
    total.v[1] = T::add32(total.v[1], T::unpack_high16(low, T::zero()));
    total.v[2] = T::add32(total.v[2], T::unpack_low16(high, T::zero()));
    total.v[3] = T::add32(total.v[3], T::unpack_high16(high, T::zero()));
    low = high = T::zero(), pending = 0;
  };
  for (int iy = rows.begin; iy < rows.end; ++iy) {
    const uint8_t* from = x.pixel(iy, columns.begin) + channel;
    for (int ix = columns.begin; ix < columns.end; ++ix, from += x.pixel_step) {
      const Int bytes = T::load(from);
      low = T::add16(low, T::unpack_low8(bytes, T::zero()));
      high = T::add16(high, T::unpack_high8(bytes, T::zero()));
      if (++pending == 257) flush();  // 257 * 255 = 65535.
    }
  }
  flush();
  return total;
}

/// pool_mean() of the int8 values: halves away from zero. The quotient of two exact floats, rounded
/// to float, has the integer part of the exact one: it is 1 / pixels or more away from the next
/// integer, 2^-16 and more, and rounding moves it by 2^-17 at most.
template <class T>
COPPICE_INLINE typename T::Int mean(typename T::Int sum, int pixels) {
  const auto value = T::sub32(sum, T::all32(128 * pixels));
  const auto sign = T::shift_right32(value, T::all32(31));
  const auto dividend = T::add32(T::abs32(value), T::all32(pixels / 2));
  const auto quotient =
      T::truncate_float(T::divide(T::to_float(dividend), T::all_float(static_cast<float>(pixels))));
  return T::sub32(T::xor_bits(quotient, sign), sign);
}

template <class T>
void avg_pool2d(const PoolParams<int8_t>& p, const Image<const uint8_t>& x, const Image<uint8_t>& y,
                RowRange rows) {
  simd::StageHeader header;
  header.zero = 128, header.min = p.min + 128, header.max = p.max + 128;
  const auto finish = simd::Finish<T>::load(header);
  for (int oy = rows.begin; oy < rows.end; ++oy) {
    const image::Span v = image::rows_of(p.window, oy);
    for (int ox = 0; ox < p.window.out_w; ++ox) {
      const image::Span h = image::columns_of(p.window, ox);
      const int n = v.size() * h.size();
      for (int c = 0; c < p.channels; c += T::kBytes) {
        const auto sum = sum_pixels<T>(v, h, x, c);
        const auto bytes = finish.bytes(mean<T>(sum.v[0], n), mean<T>(sum.v[1], n),
                                        mean<T>(sum.v[2], n), mean<T>(sum.v[3], n));
        const int rest = p.channels - c;
        T::store_first(y.pixel(oy, ox) + c, bytes, rest < T::kBytes ? rest : T::kBytes);
      }
    }
  }
}

template <class T>
constexpr ImageOpsU8 make_ops(Isa isa) {
  return {isa, copy<T>, clamp<T>, add<T>, avg_pool2d<T>, max_pool2d<T>};
}

}  // namespace coppice::kernels::image_u8
