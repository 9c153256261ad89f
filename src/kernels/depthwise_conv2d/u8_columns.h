#pragma once

#include "coppice/kernels/depthwise_conv2d/depthwise_conv2d.h"
#include "kernels/depthwise_conv2d/u8_layout.h"
#include "kernels/simd/requantize.h"

// The int8 depthwise convolution of three kernel columns side by side: neighbouring vectors of
// outputs share the interleaved columns of the input (u8_layout.h).

namespace coppice::kernels::depthwise_u8 {

/// What is the same for all outputs of some rows.
struct Job {
  const std::byte* sets;
  size_t set_bytes;
  simd::StageHeader stage;
  int row_quads, kernel_w, kernel_h, multiplier;
  ptrdiff_t tap_step;  ///< Between kernel columns.
  ptrdiff_t row_step;  ///< Between kernel rows.
  const uint8_t* x;    ///< Top left byte of the first window of the first row.
  uint8_t* y;          ///< First output of the first row.
  ptrdiff_t y_row_step;
  int64_t words[16];  ///< What a gathering plan takes of 128 bytes: even pixels, odd ones.
};

/// kColumns neighbouring vectors of outputs in kRows rows, for kernels of three columns and at most
/// four rows (two output rows: three). kTap bytes lie between pixels: a whole vector, where each
/// interleaved column of the input serves up to three outputs, or a part of one, where what a
/// kernel column needs is moved together out of two. With a stride of 2, even and odd pixels are
/// columns of their own, and even ones serve two kernel columns. Each weight serves all columns.
template <class T, class Stage, int kRows, int kPackedRows, int kColumns, int kTap, int kStride>
struct ColumnTile {
  using Int = typename T::Int;
  typedef int32_t Sum __attribute__((vector_size(T::kBytes)));
  static constexpr bool kWhole = kTap == T::kBytes;
  static constexpr int kLoaded = kColumns + (kWhole && kStride == 1 ? 2 : 1);
  Int columns[kLoaded][4];
  Int odd[kStride == 1 ? 1 : kColumns][4];

  /// Pixels from `x` on, every second one with a stride of 2; `words` for parts of vectors.
  COPPICE_INLINE static Int load(const uint8_t* x, Int words) {
    if constexpr (kWhole || kStride == 1)
      return T::load(x);
    else
      return T::gather_words(x, words);
  }
  COPPICE_INLINE static void interleave(const Job& job, const uint8_t* x, Int words,
                                        Int (&column)[4]) {
    // Rows beyond the window meet weights of zero; the last row stands in for them.
    const int last = job.kernel_h - 1 + kRows - 1;
    const Int a = load(x, words);
    const Int b = last < 1 ? a : load(x + job.row_step, words);
    const Int c = last < 2 ? b : load(x + 2 * job.row_step, words);
    const Int d = last < 3 ? c : load(x + 3 * job.row_step, words);
    const Int low = T::unpack_low8(a, b), high = T::unpack_high8(a, b);
    const Int low2 = T::unpack_low8(c, d), high2 = T::unpack_high8(c, d);
    column[0] = T::unpack_low16(low, low2);
    column[1] = T::unpack_high16(low, low2);
    column[2] = T::unpack_low16(high, high2);
    column[3] = T::unpack_high16(high, high2);
  }

  COPPICE_INLINE ColumnTile(const Job& job, const uint8_t* x, ptrdiff_t step, int count) {
    const Int even_words = T::load(job.words), odd_words = T::load(job.words + 8);
    simd::unroll<kLoaded>([&](auto column) COPPICE_LAMBDA {
      // Behind a column that is not full there is nothing that could be read.
      const bool ends = kStride == 2 && !kWhole && column == kColumns && count < T::kBytes;
      const uint8_t* from = x + (ends ? column - 1 : +column) * kStride * step;
      interleave(job, from, even_words, columns[column]);
      if constexpr (kStride == 2 && column < kColumns)
        interleave(job, kWhole ? from + job.tap_step : from, odd_words, odd[column]);
    });
  }

  /// Vector v of what kernel column kx meets at an output column. Vector v has bytes 4 v ... 4 v +
  /// 3 of each 16, so that a distance of 8 is two vectors further.
  template <int kColumn, int kKx, int kVector>
  COPPICE_INLINE Int tap() const {
    if constexpr (kStride == 2 && kKx == 1) return odd[kColumn][kVector];
    constexpr int kAt = kColumn * T::kBytes + kKx / kStride * kTap + kVector / 2 * 8;
    constexpr int kFirst = kAt / T::kBytes, kBlock = kAt % T::kBytes / 16;
    constexpr int kHalf = kAt % 16 / 8 * 2 + kVector % 2;
    if constexpr (kBlock == 0)
      return columns[kFirst][kHalf];
    else
      return T::template skip_blocks<kBlock>(columns[kFirst][kHalf], columns[kFirst + 1][kHalf]);
  }

  /// Writes `count` bytes of the last column, all of the others.
  static void run(const Job& job, const std::byte* set, const uint8_t* x, uint8_t* y,
                  ptrdiff_t step, int count) {
    const ColumnTile tile(job, x, step, count);
    Int sum[kColumns][kRows][4];
    const std::byte* constants = set + 4 * T::kBytes;
    const auto* w = reinterpret_cast<const typename T::Weight*>(
        constants + 4 * simd::stage_bytes(Stage::kKind, T::kLanes));
    simd::unroll<4>([&](auto v) COPPICE_LAMBDA {
      const Stage stage =
          Stage::load(constants + v * simd::stage_bytes(Stage::kKind, T::kLanes), job.stage);
      typename T::Weights weights[kRows][3];
      COPPICE_UNROLL
      for (int row = 0; row < kRows; ++row) {
        COPPICE_UNROLL
        for (int kx = 0; kx < 3; ++kx) {
          weights[row][kx] =
              T::load_weights(w + ((kx * kPackedRows + row) * 4 + v) * 4 * T::kLanes);
        }
      }
      simd::unroll<kColumns>([&](auto column) COPPICE_LAMBDA {
        const Int taps[3] = {tile.template tap<column, 0, v>(), tile.template tap<column, 1, v>(),
                             tile.template tap<column, 2, v>()};
        COPPICE_UNROLL
        for (int row = 0; row < kRows; ++row) {
          Sum to = reinterpret_cast<Sum>(T::load(set + v * T::kBytes));
          COPPICE_UNROLL
          for (int kx = 0; kx < 3; ++kx) {
            to = reinterpret_cast<Sum>(
                T::dot(reinterpret_cast<Int>(to), taps[kx], weights[row][kx]));
          }
          sum[column][row][v] = stage.apply(reinterpret_cast<Int>(to));
        }
      });
    });
    const auto finish = simd::Finish<T>::load(job.stage);
    COPPICE_UNROLL
    for (int column = 0; column < kColumns; ++column) {
      COPPICE_UNROLL
      for (int row = 0; row < kRows; ++row) {
        const Int* four = sum[column][row];
        const Int bytes = finish.bytes(four[0], four[1], four[2], four[3]);
        uint8_t* to = y + column * step + row * job.y_row_step;
        if (column + 1 < kColumns)
          T::store(to, bytes);
        else
          T::store_first(to, bytes, count);
      }
    }
  }
};

/// Whether ColumnTile takes the layer: bytes, not widened words, and registers for many columns.
template <class T>
COPPICE_INLINE bool takes_columns(const DepthwiseConv2DParams& p, const Plan& plan) {
  const bool whole =
      p.channels % T::kBytes == 0 && (plan.flat || (p.window.stride_w == 2 && plan.rows == 1));
  const bool part = p.channels >= 8 && T::kBytes % p.channels == 0 && (plan.flat || plan.gathers);
  return (whole || part) && p.window.kernel_w == 3 && p.window.dilation_w == 1 &&
         plan.row_quads == 1 && p.multiplier == 1;
}

template <class T, class Stage, int kRows, int kPackedRows, int kTap, int kStride>
COPPICE_INLINE void run_columns_apart(const DepthwiseConv2DParams& p, const Plan& plan,
                                      const Job& job) {
  using RunTile = void (*)(const Job&, const std::byte*, const uint8_t*, uint8_t*, ptrdiff_t, int);
  static constexpr RunTile kTiles[] = {
      ColumnTile<T, Stage, kRows, kPackedRows, 1, kTap, kStride>::run,
      ColumnTile<T, Stage, kRows, kPackedRows, 2, kTap, kStride>::run,
      ColumnTile<T, Stage, kRows, kPackedRows, 3, kTap, kStride>::run};
  // A column is 64 channels of a pixel, or pixels of fewer channels that fill a vector.
  const ptrdiff_t step = kTap == T::kBytes ? p.channels : T::kBytes;
  const int row_bytes = p.window.out_w * p.channels;
  const int width = kTap == T::kBytes ? p.window.out_w : (row_bytes + T::kBytes - 1) / T::kBytes;
  for (int set = 0; set < plan.sets; ++set) {
    const std::byte* constants = job.sets + static_cast<size_t>(set) * job.set_bytes;
    const ptrdiff_t channel = set * T::kBytes;
    for (int first = 0; first < width; first += 3) {
      const int columns = width - first < 3 ? width - first : 3;
      const ptrdiff_t at = first * step;
      const ptrdiff_t rest = row_bytes - channel - at - (columns - 1) * step;
      const int count = rest < T::kBytes ? static_cast<int>(rest) : T::kBytes;
      kTiles[columns - 1](job, constants, job.x + channel + kStride * at, job.y + channel + at,
                          step, count);
    }
  }
}

template <class T, class Stage, int kRows, int kPackedRows, int kStride>
COPPICE_INLINE void run_columns_of(const DepthwiseConv2DParams& p, const Plan& plan,
                                   const Job& job) {
  switch (p.channels) {
    case 8:
      return run_columns_apart<T, Stage, kRows, kPackedRows, 8, kStride>(p, plan, job);
    case 16:
      return run_columns_apart<T, Stage, kRows, kPackedRows, 16, kStride>(p, plan, job);
    case 32:
      return run_columns_apart<T, Stage, kRows, kPackedRows, 32, kStride>(p, plan, job);
    default:
      return run_columns_apart<T, Stage, kRows, kPackedRows, T::kBytes, kStride>(p, plan, job);
  }
}

template <class T, class Stage, int kRows, int kPackedRows>
COPPICE_INLINE void run_columns(const DepthwiseConv2DParams& p, const Plan& plan, const Job& job) {
  if (p.window.stride_w == 1) return run_columns_of<T, Stage, kRows, kPackedRows, 1>(p, plan, job);
  // Rows that a stride of 2 leaves out serve no second output row.
  if constexpr (kPackedRows == 1)
    return run_columns_of<T, Stage, kRows, kPackedRows, 2>(p, plan, job);
}

}  // namespace coppice::kernels::depthwise_u8
