#pragma once

#include "coppice/kernels/depthwise_conv2d/depthwise_conv2d.h"
#include "coppice/kernels/image.h"
#include "kernels/depthwise_conv2d/u8_columns.h"
#include "kernels/depthwise_conv2d/u8_layout.h"
#include "kernels/simd/requantize.h"

// The int8 depthwise convolution for the traits type T (layout and idea: u8_layout.h).

namespace coppice::kernels::depthwise_u8 {

template <class T, class Stage, int kRows, int kPackedRows, bool kGathers = false>
struct Chunk {
  using Int = typename T::Int;
  // GCC 12 copies sums of type __m512i at each step, and stores members of this in each loop.
  typedef int32_t Sum __attribute__((vector_size(T::kBytes)));
  Int sum[kRows][4];

  COPPICE_INLINE static Int load(const Job& job, const uint8_t* from) {
    if constexpr (kGathers)
      return T::gather_words(from, T::load(job.words));
    else
      return T::load(from);
  }

  /// Sums of 4 * kLanes outputs in kRows rows, from the bytes at `x` on.
  COPPICE_INLINE void accumulate(const Job& job, const std::byte* set, const uint8_t* x) {
    Sum to[kRows][4];
    COPPICE_UNROLL
    for (int row = 0; row < kRows; ++row) {
      COPPICE_UNROLL
      for (int v = 0; v < 4; ++v) to[row][v] = reinterpret_cast<Sum>(T::load(set + v * T::kBytes));
    }
    const auto* w = reinterpret_cast<const typename T::Weight*>(
        set + 4 * (T::kBytes + simd::stage_bytes(Stage::kKind, T::kLanes)));
    const int last = job.kernel_h - 1 + kRows - 1;
    for (int quad = 0; quad < job.row_quads; ++quad) {
      // Rows beyond the window meet weights of zero; the last row stands in for them.
      const uint8_t* rows[4];
      COPPICE_UNROLL
      for (int k = 0; k < 4; ++k) {
        const int row = 4 * quad + k;
        rows[k] = x + (row < last ? row : last) * job.row_step;
      }
      for (int kx = 0; kx < job.kernel_w; ++kx) {
        const ptrdiff_t at = kx * job.tap_step;
        const Int a = load(job, rows[0] + at), b = load(job, rows[1] + at);
        const Int c = load(job, rows[2] + at), d = load(job, rows[3] + at);
        const Int low = T::unpack_low8(a, b), high = T::unpack_high8(a, b);
        const Int low2 = T::unpack_low8(c, d), high2 = T::unpack_high8(c, d);
        const Int columns[4] = {T::unpack_low16(low, low2), T::unpack_high16(low, low2),
                                T::unpack_low16(high, high2), T::unpack_high16(high, high2)};
        COPPICE_UNROLL
        for (int v = 0; v < 4; ++v) {
          const auto column = T::prepare(columns[v]);
          COPPICE_UNROLL
          for (int row = 0; row < kRows; ++row) {
            to[row][v] =
                reinterpret_cast<Sum>(T::dot(reinterpret_cast<Int>(to[row][v]), column,
                                             T::load_weights(w + (row * 4 + v) * 4 * T::kLanes)));
          }
        }
        w += kPackedRows * 16 * T::kLanes;
      }
    }
    COPPICE_UNROLL
    for (int row = 0; row < kRows; ++row) {
      COPPICE_UNROLL
      for (int v = 0; v < 4; ++v) sum[row][v] = reinterpret_cast<Int>(to[row][v]);
    }
  }

  COPPICE_INLINE void finish(const Job& job, const std::byte* set, Int* bytes) {
    simd::unroll<4>([&](auto v) COPPICE_LAMBDA {
      const Stage stage = Stage::load(
          set + 4 * T::kBytes + v * simd::stage_bytes(Stage::kKind, T::kLanes), job.stage);
      simd::unroll<kRows>([&](auto row) COPPICE_LAMBDA { sum[row][v] = stage.apply(sum[row][v]); });
    });
    const auto last = simd::Finish<T>::load(job.stage);
    simd::unroll<kRows>([&](auto row) COPPICE_LAMBDA {
      bytes[row] = last.bytes(sum[row][0], sum[row][1], sum[row][2], sum[row][3]);
    });
  }

  /// `count` input bytes from `x` on to their outputs from `y` on.
  COPPICE_INLINE void run(const Job& job, int set, const uint8_t* x, uint8_t* y, int count) {
    const std::byte* at =
        job.sets + static_cast<size_t>(set) * static_cast<size_t>(job.multiplier) * job.set_bytes;
    Int bytes[kRows];
    if (job.multiplier == 1) {
      accumulate(job, at, x);
      finish(job, at, bytes);
      simd::unroll<kRows>([&](auto row) COPPICE_LAMBDA {
        T::store_first(y + row * job.y_row_step, bytes[row], count);
      });
      return;
    }
    for (int multiple = 0; multiple < job.multiplier; ++multiple, at += job.set_bytes) {
      accumulate(job, at, x);
      finish(job, at, bytes);
      for (int row = 0; row < kRows; ++row) {
        uint8_t spread[4 * T::kLanes];
        T::store(spread, bytes[row]);
        uint8_t* to = y + row * job.y_row_step + multiple;
        for (int i = 0; i < count; ++i) to[i * job.multiplier] = spread[i];
      }
    }
  }
};

template <class T, class Stage, int kRows, int kPackedRows>
void run_rows(const DepthwiseConv2DParams& p, const Plan& plan, const Job& job,
              ptrdiff_t x_pixel_step) {
  constexpr int kQuad = 4 * T::kLanes;
  Chunk<T, Stage, kRows, kPackedRows> chunk;
  const Window2D& window = p.window;
  if constexpr (T::kGathers && sizeof(typename T::Operand) == sizeof(typename T::Int)) {
    if (takes_columns<T>(p, plan)) return run_columns<T, Stage, kRows, kPackedRows>(p, plan, job);
  }
  if (plan.flat) {
    const int bytes = window.out_w * p.channels;
    for (int at = 0, set = 0; at < bytes; at += kQuad) {
      const int count = bytes - at < kQuad ? bytes - at : kQuad;
      chunk.run(job, set, job.x + at, job.y + at * p.multiplier, count);
      if (++set == plan.sets) set = 0;
    }
    return;
  }
  const uint8_t* x = job.x;
  uint8_t* y = job.y;
  if constexpr (T::kGathers && kPackedRows == 1) {
    if (plan.gathers) {
      Chunk<T, Stage, kRows, kPackedRows, true> gathering;
      const int bytes = window.out_w * p.channels;
      for (int at = 0; at < bytes; at += kQuad) {
        const int count = bytes - at < kQuad ? bytes - at : kQuad;
        gathering.run(job, 0, x + 2 * at, y + at * p.multiplier, count);
      }
      return;
    }
  }
  for (int ox = 0; ox < window.out_w; ++ox) {
    for (int at = 0, set = 0; at < p.channels; at += kQuad, ++set) {
      const int count = p.channels - at < kQuad ? p.channels - at : kQuad;
      chunk.run(job, set, x + at, y + at * p.multiplier, count);
    }
    x += window.stride_w * x_pixel_step;
    y += p.channels * p.multiplier;
  }
}

using RunStage = void(const DepthwiseConv2DParams& p, const std::byte* packed,
                      const Image<const uint8_t>& x, const Image<uint8_t>& y, RowRange rows);

template <class T, class Stage>
void run_stage(const DepthwiseConv2DParams& p, const std::byte* packed,
               const Image<const uint8_t>& x, const Image<uint8_t>& y, RowRange rows) {
  const Window2D& window = p.window;
  const Plan plan = plan_of(p, T::kLanes);
  Job job{};
  __builtin_memcpy(&job.stage, packed, sizeof(job.stage));
  job.sets = packed + kHeaderBytes;
  job.set_bytes = set_bytes(p, plan, Stage::kKind, T::kLanes, sizeof(typename T::Weight));
  job.row_quads = plan.row_quads;
  job.kernel_w = window.kernel_w;
  job.kernel_h = window.kernel_h;
  job.multiplier = p.multiplier;
  job.tap_step = window.dilation_w * x.pixel_step;
  job.row_step = window.dilation_h * x.row_step;
  job.y_row_step = y.row_step;
  for (int i = 0; i < 8 && plan.gathers; ++i) {
    const int pixel = 8 * i / p.channels;
    job.words[i] = (2 * pixel * p.channels + 8 * i % p.channels) / 8;
    job.words[i + 8] = job.words[i] + p.channels / 8;
  }
  for (int row = rows.begin; row < rows.end; row += plan.rows) {
    job.x = x.data + (row * window.stride_h - window.pad_top) * x.row_step -
            window.pad_left * x.pixel_step;
    job.y = y.data + row * y.row_step;
    if (plan.rows == 1) {
      run_rows<T, Stage, 1, 1>(p, plan, job, x.pixel_step);
    } else if (row + 1 < rows.end) {
      run_rows<T, Stage, 2, 2>(p, plan, job, x.pixel_step);
    } else {
      run_rows<T, Stage, 1, 2>(p, plan, job, x.pixel_step);
    }
  }
}

template <class T>
void run(const DepthwiseConv2DParams& p, const void* packed, const Image<const uint8_t>& x,
         const Image<uint8_t>& y, RowRange rows) {
  const auto* bytes = static_cast<const std::byte*>(packed);
  switch (static_cast<const simd::StageHeader*>(packed)->kind) {
    case simd::StageKind::kFloat:
      return run_stage<T, simd::FloatStage<T>>(p, bytes, x, y, rows);
    case simd::StageKind::kShift:
      return run_stage<T, simd::ShiftStage<T>>(p, bytes, x, y, rows);
    case simd::StageKind::kTwice:
      return run_stage<T, simd::TwiceStage<T>>(p, bytes, x, y, rows);
  }
}

}  // namespace coppice::kernels::depthwise_u8
