#pragma once

#include "kernels/depthwise_conv2d/i16_kernels.h"
#include "kernels/simd/requantize.h"
#include "kernels/simd/tiles.h"
#include "kernels/simd/window_walk.h"

// The depthwise convolution of int16 for the traits type T: a tile of pixels times one vector of
// channels. A lane's dot product is that of the value, with its sign above it, and the weight, with
// 0 above it.

namespace coppice::kernels::depthwise_i16 {

struct Job {
  const std::byte* packed;  ///< Of the vector of channels.
  simd::StageHeader stage;
  int rows, columns;
  ptrdiff_t row_step, column_step;  ///< Of the input, between taps.
  int first, count;                 ///< Channels.
};

template <class T, int kPixels>
void tile(const Job& job, const int16_t* const* windows, int16_t* const* to) {
  using Int = typename T::Int;
  constexpr int kLanes = T::kLanes;
  Int sum[kPixels];
  const int16_t* from[kPixels];
  simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
    from[p] = windows[p] + job.first;
    sum[p] = T::load(job.packed);
  });
  const std::byte* weights = job.packed + weights_offset(kLanes);
  for (int row = 0; row < job.rows; ++row) {
    ptrdiff_t at = row * job.row_step;
    for (int column = 0; column < job.columns; ++column, at += job.column_step) {
      const auto weight = T::load_weights(weights);
      weights += T::kBytes;
      simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
        sum[p] = T::dot(sum[p], T::widen16(from[p] + at), weight);
      });
    }
  }
  const auto stage = simd::ShiftStage<T>::load(job.packed + stage_offset(kLanes), job.stage);
  const Int low = T::all32(job.stage.min), high = T::all32(job.stage.max);
  simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
    T::store16(to[p] + job.first, T::min32(T::max32(stage.apply(sum[p]), low), high), job.count);
  });
}

template <class T, int... kPixelsLessOne>
COPPICE_INLINE void run_tiles(const DepthwiseConv2DParams& p, const void* packed,
                              const Image<const int16_t>& x, const Image<int16_t>& y, RowRange rows,
                              std::integer_sequence<int, kPixelsLessOne...>) {
  using RunTile = void (*)(const Job&, const int16_t* const*, int16_t* const*);
  static constexpr RunTile kTiles[] = {tile<T, kPixelsLessOne + 1>...};
  constexpr int kMost = static_cast<int>(sizeof...(kPixelsLessOne));
  const Window2D& w = p.window;
  const auto* groups = static_cast<const std::byte*>(packed) + kHeaderBytes;
  Job job;
  __builtin_memcpy(&job.stage, packed, sizeof(job.stage));
  job.rows = w.kernel_h, job.columns = w.kernel_w;
  job.row_step = w.dilation_h * x.row_step, job.column_step = w.dilation_w * x.pixel_step;
  simd::WindowWalk<T, int16_t> walk(w, x, y, rows.begin);
  simd::for_each_tile<T>((rows.end - rows.begin) * w.out_w, kMost, [&](int pixels) {
    const int16_t* from[kMost];
    int16_t* to[kMost];
    walk.take(pixels, from, to);
    job.packed = groups;
    for (job.first = 0; job.first < p.channels; job.first += T::kLanes) {
      const int left = p.channels - job.first;
      job.count = left < T::kLanes ? left : T::kLanes;
      kTiles[pixels - 1](job, from, to);
      job.packed += group_bytes(w.kernel_h * w.kernel_w, T::kLanes);
    }
  });
}

template <class T>
void run(const DepthwiseConv2DParams& p, const void* packed, const Image<const int16_t>& x,
         const Image<int16_t>& y, RowRange rows) {
  run_tiles<T>(p, packed, x, y, rows, std::make_integer_sequence<int, T::kPixels[0]>{});
}

}  // namespace coppice::kernels::depthwise_i16
