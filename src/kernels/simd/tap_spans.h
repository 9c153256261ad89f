#pragma once

#include "coppice/kernels/image.h"
#include "coppice/kernels/window.h"
#include "kernels/simd/inline.h"

// Products with padding are zero. An image holds its padding, so that a kernel may compute them; a
// kernel that goes over spans leaves them out: a 3x3 window over 8x8 pixels has 16 % of them.

namespace coppice::kernels::simd {

/// Outputs [begin, end) along an axis, whose windows see the taps [first, last) of the kernel. The
/// rest of the window is padding.
struct TapSpan {
  int begin, end;
  int first, last;

  constexpr int outputs() const { return end - begin; }
  constexpr int taps() const { return last - first; }
};

/// One axis of a window.
struct WindowAxis {
  int in, out, kernel, stride, dilation, pad;

  static COPPICE_INLINE constexpr WindowAxis rows(const Window2D& w) {
    return {w.in_h, w.out_h, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top};
  }
  static COPPICE_INLINE constexpr WindowAxis columns(const Window2D& w) {
    return {w.in_w, w.out_w, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left};
  }

  /// Taps to the first one at or behind a place that lies `distance` ahead of the window's start.
  COPPICE_INLINE constexpr int taps_before(int distance) const {
    if (distance <= 0) return 0;
    const int taps = (distance + dilation - 1) / dilation;
    return taps < kernel ? taps : kernel;
  }
  /// Of this output alone.
  COPPICE_INLINE constexpr TapSpan span_at(int output) const {
    const int start = output * stride - pad;
    const int first = taps_before(-start), last = taps_before(in - start);
    return {output, output + 1, first, last < first ? first : last};
  }
};

/// visit(span) for all outputs, the longest spans that there are, in order. The first spans do not
/// depend on how many outputs follow.
template <class Visit>
COPPICE_INLINE constexpr void for_each_tap_span(const WindowAxis& axis, Visit&& visit) {
  for (int begin = 0; begin < axis.out;) {
    TapSpan span = axis.span_at(begin);
    if (span.taps() == axis.kernel) {
      const int room = axis.in + axis.pad - 1 - (axis.kernel - 1) * axis.dilation;
      const int end = room / axis.stride + 1;  // One output at least sees all, so room >= 0.
      span.end = end < axis.out ? end : axis.out;
    } else {
      for (; span.end < axis.out; ++span.end) {
        const TapSpan next = axis.span_at(span.end);
        if (next.first != span.first || next.last != span.last) break;
      }
    }
    visit(span);
    begin = span.end;
  }
}

COPPICE_INLINE constexpr int tap_spans(const WindowAxis& axis) {
  int count = 0;
  for_each_tap_span(axis, [&](const TapSpan&) COPPICE_LAMBDA { ++count; });
  return count;
}

/// Whether some window sees padding.
COPPICE_INLINE constexpr bool is_padded(const WindowAxis& axis) {
  bool padded = false;
  for_each_tap_span(
      axis, [&](const TapSpan& span) COPPICE_LAMBDA { padded |= span.taps() < axis.kernel; });
  return padded;
}

/// Outputs whose windows see the same taps, and their place among the spans of all rows and
/// columns.
struct TapRectangle {
  TapSpan rows, columns;
  int row_kind = 0, column_kind = 0;

  constexpr int outputs() const { return rows.outputs() * columns.outputs(); }
  constexpr bool sees_nothing() const { return rows.taps() == 0 || columns.taps() == 0; }
};

/// visit(rectangle) for all outputs of some rows, from the top. An axis that is not `split` is one
/// span that sees all taps.
template <class Visit>
COPPICE_INLINE constexpr void for_each_tap_rectangle(const Window2D& w, RowRange rows,
                                                     bool split_rows, bool split_columns,
                                                     Visit&& visit) {
  const auto spans = [](const WindowAxis& axis, bool split, auto&& body) COPPICE_LAMBDA {
    if (split) return for_each_tap_span(axis, body);
    body(TapSpan{0, axis.out, 0, axis.kernel});
  };
  TapRectangle r;
  spans(WindowAxis::rows(w), split_rows, [&](TapSpan span) COPPICE_LAMBDA {
    if (span.begin < rows.begin) span.begin = rows.begin;
    if (span.end > rows.end) span.end = rows.end;
    if (span.begin < span.end) {
      r.rows = span;
      r.column_kind = 0;
      spans(WindowAxis::columns(w), split_columns, [&](const TapSpan& columns) COPPICE_LAMBDA {
        r.columns = columns;
        visit(r);
        ++r.column_kind;
      });
    }
    ++r.row_kind;
  });
}

}  // namespace coppice::kernels::simd
