#pragma once

#include "coppice/sparse/permute.h"
#include "kernels/simd/requantize.h"
#include "kernels/simd/tiles.h"
#include "sparse/permute_layout.h"

// The permuted convolution for the traits type T: a step looks its inputs up in one register of
// input bytes for each pixel and multiplies them with the weights of T::kLanes output channels. The
// sums of four vectors of channels stay in registers until they are narrowed together.
//
// T adds to a type of kernels/simd: kPixels, kPlaceBytes, Table, load_table(bytes),
// load_places(step), look_up(table, places), reorder(bytes, order).

namespace coppice::sparse {

/// One part over the pixels of a span.
struct PermuteJob {
  const std::byte* part;
  PermutePart at;
  const std::byte* bias;           ///< [vectors]
  const PermuteSegment* segments;  ///< Of all spans.
  const uint32_t* end;             ///< [vectors] In these.
  uint32_t first;                  ///< The span's first of these.
  PermuteHeader header;
  const int32_t* run_offset;  ///< [runs] From a window's first byte.
  const uint8_t* x;           ///< Top left of the first window.
  uint8_t* y;
  int width, pixels;         ///< Output pixels in a row and in all.
  ptrdiff_t x_step, x_wrap;  ///< From a window to the next; added at a row's end.
  ptrdiff_t y_step, y_wrap;
  int channels;
};

template <class T, class Stage, int kPixels>
struct PermuteTile {
  using Int = typename T::Int;
  // GCC 12 copies sums of type __m512i at each step.
  typedef int32_t Sum __attribute__((vector_size(T::kBytes)));
  static constexpr int kStepBytes = T::kPlaceBytes + 4 * T::kLanes;

  const PermuteJob& job;
  const uint8_t* const* x;
  const PermuteSegment* segment;
  Int sum[kBlockVectors][kPixels];

  // Leaves the sums as they are: to fill them with zeros costs as much as 10 % sparsity gains.
  COPPICE_INLINE PermuteTile(const PermuteJob& of, const uint8_t* const* windows)
      : job(of), x(windows), segment(of.segments + of.first) {}

  COPPICE_INLINE static void step(const typename T::Table (&table)[kPixels], const std::byte* at,
                                  Sum (&to)[kPixels]) {
    const Int places = T::load_places(reinterpret_cast<const uint8_t*>(at));
    const auto weights = T::load_weights(reinterpret_cast<const int8_t*>(at + T::kPlaceBytes));
    for (int p = 0; p < kPixels; ++p) {
      to[p] = reinterpret_cast<Sum>(
          T::dot(reinterpret_cast<Int>(to[p]), T::look_up(table[p], places), weights));
    }
  }

  /// Sums of one vector of channels.
  COPPICE_INLINE void accumulate(int vector, Int (&result)[kPixels]) {
    Sum to[kPixels], second[kPixels] = {};
    const Int bias = T::load(job.bias + vector * T::kBytes);
    for (int p = 0; p < kPixels; ++p) to[p] = reinterpret_cast<Sum>(bias);
    const uint8_t* from[kPixels];
    for (int p = 0; p < kPixels; ++p) from[p] = x[p];
    const PermuteSegment* now = segment;
    const PermuteSegment* end = job.segments + job.end[vector];
    // Those of a vector lie one behind the other.
    const std::byte* at = job.part + job.at.step + size_t{now->step} * kStepBytes;
    for (; now != end; ++now) {
      const ptrdiff_t offset = job.run_offset[now->run] + now->start;
      typename T::Table table[kPixels];
      for (int p = 0; p < kPixels; ++p) table[p] = T::load_table(from[p] + offset);
      int steps = now->steps;
      if constexpr (kPixels == 1) {
        // One sum alone would wait for the step before.
        for (; steps > 2; steps -= 2, at += 2 * kStepBytes) {
          step(table, at, to);
          step(table, at + kStepBytes, second);
        }
      }
      do {
        step(table, at, to);
        at += kStepBytes;
      } while (--steps != 0);
    }
    segment = now;
    if constexpr (kPixels == 1) to[0] += second[0];
    for (int p = 0; p < kPixels; ++p) result[p] = reinterpret_cast<Int>(to[p]);
  }

  COPPICE_INLINE void store(int first_vector, int vectors, uint8_t* const* y) {
    const int stage_bytes = kernels::simd::stage_bytes(Stage::kKind, T::kLanes);
    kernels::simd::unroll<kBlockVectors>([&](auto v) COPPICE_LAMBDA {
      if (v >= vectors) return;
      const std::byte* constants = job.part + job.at.stage + (first_vector + v) * stage_bytes;
      const Stage stage = Stage::load(constants, job.header.stage);
      kernels::simd::unroll<kPixels>([&](auto p)
                                         COPPICE_LAMBDA { sum[v][p] = stage.apply(sum[v][p]); });
    });
    const auto finish = kernels::simd::Finish<T>::load(job.header.stage);
    const int first = first_vector * T::kLanes;
    const auto order = T::load(job.part + job.at.order + first);
    const int rest = job.channels - first;
    kernels::simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
      const Int bytes = finish.bytes(sum[0][p], sum[1][p], sum[2][p], sum[3][p]);
      T::store_first(y[p] + first, T::reorder(bytes, order),
                     rest < kBlockVectors * T::kLanes ? rest : kBlockVectors * T::kLanes);
    });
  }

  COPPICE_INLINE void run_blocks(uint8_t* const* y) {
    for (int first = 0; first < job.at.vectors; first += kBlockVectors) {
      const int vectors =
          job.at.vectors - first < kBlockVectors ? job.at.vectors - first : kBlockVectors;
      kernels::simd::unroll<kBlockVectors>([&](auto v) COPPICE_LAMBDA {
        if (v < vectors) {
          accumulate(first + v, sum[v]);
        } else {
          kernels::simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA { sum[v][p] = T::zero(); });
        }
      });
      store(first, vectors, y);
    }
  }

  static void run(const PermuteJob& job, const uint8_t* const* x, uint8_t* const* y) {
    PermuteTile(job, x).run_blocks(y);
  }
};

/// Walks over the output pixels, a tile at a time.
template <class T, class Stage, int... kPixelsLessOne>
COPPICE_INLINE void run_permute_pixels(const PermuteJob& job,
                                       std::integer_sequence<int, kPixelsLessOne...>) {
  using Run = void (*)(const PermuteJob&, const uint8_t* const*, uint8_t* const*);
  static constexpr Run kTiles[] = {PermuteTile<T, Stage, kPixelsLessOne + 1>::run...};
  constexpr int kMost = static_cast<int>(sizeof...(kPixelsLessOne));
  const uint8_t* x = job.x;
  uint8_t* y = job.y;
  int column = 0;
  kernels::simd::for_each_tile<T>(job.pixels, kMost, [&](int pixels) {
    const uint8_t* from[kMost];
    uint8_t* to[kMost];
    for (int p = 0; p < pixels; ++p) {
      from[p] = x, to[p] = y;
      x += job.x_step, y += job.y_step;
      if (++column == job.width) column = 0, x += job.x_wrap, y += job.y_wrap;
    }
    kTiles[pixels - 1](job, from, to);
  });
}

template <class T, class Stage>
void run_permute_stage(const kernels::Conv2DParams& p, const void* packed,
                       const kernels::Image<const uint8_t>& x, const kernels::Image<uint8_t>& y,
                       kernels::RowRange rows) {
  const kernels::Window2D& window = p.window;
  const int in_channels = p.in_channels / p.groups;
  PermuteJob job;
  __builtin_memcpy(&job.header, packed, sizeof(job.header));
  int32_t run_offset[kMaxRuns];
  const int runs_in_row = job.header.runs_in_row;
  for (int run = 0; run < runs_in_row * window.kernel_h; ++run) {
    run_offset[run] = static_cast<int32_t>(run / runs_in_row * window.dilation_h * x.row_step +
                                           run % runs_in_row * window.dilation_w * x.pixel_step);
  }
  job.run_offset = run_offset;
  job.width = window.out_w;
  job.x_step = window.stride_w * x.pixel_step;
  job.x_wrap = window.stride_h * x.row_step - window.out_w * job.x_step;
  job.y_step = y.pixel_step;
  job.y_wrap = y.row_step - window.out_w * y.pixel_step;
  job.channels = p.out_channels / p.groups;
  const auto run_span = [&](const kernels::simd::TapRectangle& span) COPPICE_LAMBDA {
    job.pixels = span.outputs();
    job.x = x.pixel(span.rows.begin * window.stride_h - window.pad_top, -window.pad_left);
    job.y = y.pixel(span.rows.begin, 0);
    job.part = static_cast<const std::byte*>(packed) + kPermuteHeaderBytes;
    for (int group = 0; group < p.groups; ++group) {
      __builtin_memcpy(&job.at, job.part, sizeof(job.at));
      const ptrdiff_t first = ptrdiff_t{span.row_kind} * job.at.vectors;
      job.bias = job.part + job.at.bias + first * T::kBytes;
      job.segments = reinterpret_cast<const PermuteSegment*>(job.part + job.at.segment);
      job.end = reinterpret_cast<const uint32_t*>(job.part + job.at.end) + first;
      job.first = first == 0 ? 0 : job.end[-1];
      run_permute_pixels<T, Stage>(job, std::make_integer_sequence<int, T::kPixels>{});
      job.part += job.at.bytes;
      job.x += in_channels;
      job.y += job.channels;
    }
  };
  kernels::simd::for_each_tap_rectangle(window, rows, job.header.split_rows != 0, false, run_span);
}

template <class T>
void run_permute(const kernels::Conv2DParams& p, const void* packed,
                 const kernels::Image<const uint8_t>& x, const kernels::Image<uint8_t>& y,
                 kernels::RowRange rows) {
  namespace simd = kernels::simd;
  switch (static_cast<const PermuteHeader*>(packed)->stage.kind) {
    case simd::StageKind::kFloat:
      return run_permute_stage<T, simd::FloatStage<T>>(p, packed, x, y, rows);
    case simd::StageKind::kShift:
      return run_permute_stage<T, simd::ShiftStage<T>>(p, packed, x, y, rows);
    case simd::StageKind::kTwice:
      return run_permute_stage<T, simd::TwiceStage<T>>(p, packed, x, y, rows);
  }
}

}  // namespace coppice::sparse
