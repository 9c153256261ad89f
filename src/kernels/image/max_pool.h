#pragma once

#include <cstddef>

#include "coppice/kernels/image.h"
#include "coppice/kernels/window.h"
#include "kernels/image/window_part.h"
#include "kernels/simd/lanes.h"

// Maximum pooling on images of uint8 and of float alike. V: a type of the instruction set (see
// simd/lanes.h), kBytes: its widest vector.

namespace coppice::kernels::image {

/// Neighbouring windows of one output row, and the part of their channels that one vector holds.
template <class T>
struct WindowRun {
  const T* from;  ///< First pixel of the first window.
  ptrdiff_t row_step, pixel_step;
  int rows, columns, stride;  ///< Of each window.
  T* to;                      ///< Its result.
  ptrdiff_t to_step;
  int windows;
  int count;  ///< Channels to write for each.
  int whole;  ///< So many windows may write all lanes: what is too much is written again later.
};

/// kRows, kColumns, kStride: of the windows, 0 if known at run time only. What a window shares with
/// the next one (kColumns - kStride columns) stays in registers.
template <class L, int kRows, int kColumns, int kStride, class T>
COPPICE_INLINE void max_of_windows(const WindowRun<T>& run, T low, T high) {
  using Vector = typename L::Vector;
  constexpr int kShared = kColumns > kStride ? kColumns - kStride : 0;
  const int rows = kRows > 0 ? kRows : run.rows, columns = kColumns > 0 ? kColumns : run.columns;
  const auto column = [&](const T* from, int index) COPPICE_LAMBDA {
    from += index * run.pixel_step;
    Vector largest = L::load(from);
    for (int row = 1; row < rows; ++row)
      largest = L::max(L::load(from + row * run.row_step), largest);
    return largest;
  };
  const T* from = run.from;
  T* to = run.to;
  [[maybe_unused]] Vector shared[kShared + 1];
  COPPICE_UNROLL
  for (int i = 0; i < kShared; ++i) shared[i] = column(from, i);
  for (int i = 0; i < run.windows; ++i) {
    Vector all[kColumns + 1];
    Vector largest = L::all(low);
    for (int k = 0; k < columns; ++k) {
      const Vector next = k < kShared ? shared[k] : column(from, k);
      if constexpr (kShared > 0) all[k] = next;
      largest = L::max(next, largest);
    }
    COPPICE_UNROLL
    for (int k = 0; k < kShared; ++k) shared[k] = all[k + kStride];
    L::store_first(to, L::min(largest, L::all(high)), i < run.whole ? L::kCount : run.count);
    from += run.stride * run.pixel_step, to += run.to_step;
  }
}

template <class L, class T>
COPPICE_INLINE void max_of_run(const WindowRun<T>& run, T low, T high) {
  const auto is = [&](int size, int stride) COPPICE_LAMBDA {
    return run.rows == size && run.columns == size && run.stride == stride;
  };
  if (is(2, 2)) return max_of_windows<L, 2, 2, 2>(run, low, high);
  if (is(3, 2)) return max_of_windows<L, 3, 3, 2>(run, low, high);
  if (is(3, 1)) return max_of_windows<L, 3, 3, 1>(run, low, high);
  max_of_windows<L, 0, 0, 0>(run, low, high);
}

/// The windows of columns [begin, end) of output row oy, which all have the same part of the image.
template <class V, int kBytes, class T>
COPPICE_INLINE void max_of_columns(const Window2D& w, int channels, T low, T high,
                                   const Image<const T>& x, const Image<T>& y, int oy, int begin,
                                   int end) {
  const Span v = rows_of(w, oy), h = columns_of(w, begin);
  WindowRun<T> run{
      x.pixel(v.begin, h.begin), x.row_step,   x.pixel_step, v.size(), h.size(), w.stride_w,
      y.pixel(oy, begin),        y.pixel_step, end - begin,  channels, 0};
  // Where pixels touch, a store may spill into what comes after it in this row.
  const int room = y.pixel_step == channels ? (w.out_w - begin) * channels : 0;
  constexpr int kWidest = kBytes / static_cast<int>(sizeof(T));
  const auto piece = [&](auto lanes, int first, int count) COPPICE_LAMBDA {
    using L = decltype(lanes);
    WindowRun<T> part = run;
    part.from += first, part.to += first, part.count = count;
    const int spare = room - first - L::kCount;
    part.whole = count == L::kCount ? run.windows : spare < 0 ? 0 : spare / channels + 1;
    max_of_run<L>(part, low, high);
  };
  // The last channels first, so that what they spill is written over.
  const int full = channels / kWidest * kWidest;
  if (full < channels) {
    simd::with_lanes<V, T, kBytes>(
        channels - full, [&](auto lanes) COPPICE_LAMBDA { piece(lanes, full, channels - full); });
  }
  for (int c = 0; c < full; c += kWidest) piece(simd::Lanes<V, T, kBytes>{}, c, kWidest);
}

template <class V, int kBytes, class T>
COPPICE_INLINE void max_pool2d(const Window2D& w, int channels, T low, T high,
                               const Image<const T>& x, const Image<T>& y, RowRange rows) {
  const Span inner = inner_columns(w);
  for (int oy = rows.begin; oy < rows.end; ++oy) {
    const auto columns = [&](int begin, int end) {
      max_of_columns<V, kBytes, T>(w, channels, low, high, x, y, oy, begin, end);
    };
    for (int ox = 0; ox < inner.begin; ++ox) columns(ox, ox + 1);
    if (inner.begin < inner.end) columns(inner.begin, inner.end);
    for (int ox = inner.end; ox < w.out_w; ++ox) columns(ox, ox + 1);
  }
}

}  // namespace coppice::kernels::image
