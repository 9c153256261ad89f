#pragma once

#include "coppice/sparse/storage.h"

namespace coppice::sparse {

/// No storage of its own: the dense weights, each tested for zero when it is met. The fine-grained
/// baseline of arXiv 2208.02765.
template <class T>
struct ZeroTested {
  using Value = T;

  int rows = 0, taps = 1, depth = 1;
  DenseWeights<T> weights;

  static bool accepts(const DenseWeights<T>&) { return true; }
  static size_t bytes(const DenseWeights<T>& w) {
    return static_cast<size_t>(w.rows) * static_cast<size_t>(w.columns()) * sizeof(T);
  }
  static ZeroTested pack(const DenseWeights<T>& w, void* memory) {
    Carver carver(memory);
    T* copy = carver.take<T>(bytes(w) / sizeof(T));
    for (int row = 0; row < w.rows; ++row) {
      for (int c = 0; c < w.columns(); ++c) copy[row * w.columns() + c] = w(row, c);
    }
    return {w.rows, w.taps, w.depth, {copy, w.rows, w.taps, w.depth, w.columns(), 1}};
  }

  template <class Visit>
  void for_each(int row, Visit&& visit) const {
    const T* value = weights.data + row * weights.row_step;
    for (int tap = 0; tap < taps; ++tap) {
      for (int i = 0; i < depth; ++i, ++value) {
        if (*value != T{0}) visit(tap, i, *value);
      }
    }
  }
};

/// Filter removal: filters (rows) of zeros alone are gone, the others are dense and untested.
template <class T>
struct KeptFilters {
  using Value = T;

  int rows = 0, taps = 1, depth = 1;
  const uint16_t* place = nullptr;  ///< [rows] Place of the filter in `value`; kGone if removed.
  const T* value = nullptr;         ///< [kept filters, taps, depth]

  static constexpr uint16_t kGone = 0xffff;

  static bool accepts(const DenseWeights<T>& w) { return w.rows < kGone; }
  static size_t bytes(const DenseWeights<T>& w) {
    Carver carver;
    layout(w, carver);
    return carver.used();
  }
  static KeptFilters pack(const DenseWeights<T>& w, void* memory) {
    Carver carver(memory);
    auto [format, place, value] = layout(w, carver);
    uint16_t kept = 0;
    for (int row = 0; row < w.rows; ++row) {
      place[row] = is_kept(w, row) ? kept++ : kGone;
      if (place[row] == kGone) continue;
      for (int column = 0; column < w.columns(); ++column) *value++ = w(row, column);
    }
    return format;
  }

  template <class Visit>
  void for_each(int row, Visit&& visit) const {
    if (place[row] == kGone) return;
    const T* from = value + ptrdiff_t{place[row]} * taps * depth;
    for (int tap = 0; tap < taps; ++tap) {
      for (int i = 0; i < depth; ++i, ++from) visit(tap, i, *from);
    }
  }

 private:
  struct Parts {
    KeptFilters format;
    uint16_t* place;
    T* value;
  };
  static bool is_kept(const DenseWeights<T>& w, int row) {
    for (int column = 0; column < w.columns(); ++column) {
      if (w(row, column) != T{0}) return true;
    }
    return false;
  }
  static Parts layout(const DenseWeights<T>& w, Carver& carver) {
    size_t kept = 0;
    for (int row = 0; row < w.rows; ++row) kept += is_kept(w, row);
    auto* place = carver.take<uint16_t>(static_cast<size_t>(w.rows));
    auto* value = carver.take<T>(kept * static_cast<size_t>(w.columns()));
    return {{w.rows, w.taps, w.depth, place, value}, place, value};
  }
};

}  // namespace coppice::sparse
