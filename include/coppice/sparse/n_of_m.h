#pragma once

#include "coppice/core/packed.h"
#include "coppice/sparse/storage.h"

namespace coppice::sparse {

/// N:M sparsity: of each M consecutive columns at most N are not zero; N values are stored for
/// each, with indices of 2 (M = 4) or 4 bits (M = 8, 16). Nothing marks rows: all are equally long.
template <class T>
struct NOfM {
  using Value = T;

  int rows = 0, taps = 1, depth = 1;
  int n = 2, m = 4;
  const uint8_t* index = nullptr;  ///< [rows, groups(), n] packed, low bits first.
  const T* value = nullptr;        ///< [rows, groups(), n]

  constexpr int groups() const { return (taps * depth + m - 1) / m; }
  constexpr int index_bits() const { return m <= 4 ? 2 : 4; }

  /// True if no group has more than n non-zeros. n < m, m is 4, 8 or 16.
  static bool accepts(const DenseWeights<T>& w, int n, int m) {
    if ((m != 4 && m != 8 && m != 16) || n < 1 || n >= m) return false;
    for (int row = 0; row < w.rows; ++row) {
      for (int first = 0; first < w.columns(); first += m) {
        int count = 0;
        for (int c = first; c < first + m && c < w.columns(); ++c) count += w(row, c) != T{0};
        if (count > n) return false;
      }
    }
    return true;
  }
  static size_t bytes(const DenseWeights<T>& w, int n, int m) {
    Carver carver;
    layout(w, n, m, carver);
    return carver.used();
  }
  static NOfM pack(const DenseWeights<T>& w, int n, int m, void* memory) {
    Carver carver(memory);
    auto [format, index, value] = layout(w, n, m, carver);
    const size_t slots = slot_count(format);
    for (size_t i = 0; i < packed_bytes(slots, format.index_bits()); ++i) index[i] = 0;
    size_t slot = 0;
    for (int row = 0; row < w.rows; ++row) {
      for (int first = 0; first < w.columns(); first += m) {
        const size_t end = slot + static_cast<size_t>(n);
        for (int c = 0; c < m && first + c < w.columns(); ++c) {
          if (w(row, first + c) == T{0}) continue;
          packed_set(index, slot, format.index_bits(), static_cast<int8_t>(c));
          value[slot++] = w(row, first + c);
        }
        while (slot < end) value[slot++] = T{0};
      }
    }
    return format;
  }

  template <class Visit>
  void for_each(int row, Visit&& visit) const {
    const unsigned low_bits = (1u << index_bits()) - 1u;
    size_t slot = static_cast<size_t>(row) * static_cast<size_t>(groups() * n);
    for (int first = 0; first < taps * depth; first += m) {
      for (const size_t end = slot + static_cast<size_t>(n); slot < end; ++slot) {
        if (value[slot] == T{0}) continue;
        const auto field = static_cast<unsigned>(packed_get(index, slot, index_bits()));
        const int column = first + static_cast<int>(field & low_bits);
        visit(column / depth, column % depth, value[slot]);
      }
    }
  }

 private:
  struct Parts {
    NOfM format;
    uint8_t* index;
    T* value;
  };
  static size_t slot_count(const NOfM& format) {
    return static_cast<size_t>(format.rows) * static_cast<size_t>(format.groups() * format.n);
  }
  static Parts layout(const DenseWeights<T>& w, int n, int m, Carver& carver) {
    NOfM format{w.rows, w.taps, w.depth, n, m};
    auto* value = carver.take<T>(slot_count(format));
    auto* index = carver.take<uint8_t>(packed_bytes(slot_count(format), format.index_bits()));
    format.value = value, format.index = index;
    return {format, index, value};
  }
};

}  // namespace coppice::sparse
