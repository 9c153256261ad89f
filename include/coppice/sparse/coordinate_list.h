#pragma once

#include "coppice/sparse/storage.h"

namespace coppice::sparse {

/// A list of places and values for each output channel. The place of a weight is its tap and its
/// input channel, so that nothing is divided when it is read.
template <class T>
struct CoordinateList {
  using Value = T;
  struct Place {
    uint16_t tap;
    uint16_t channel;
  };

  int rows = 0, taps = 1, depth = 1;
  const uint32_t* end = nullptr;  ///< [rows]
  const Place* place = nullptr;   ///< [non-zeros]
  const T* value = nullptr;       ///< [non-zeros]

  static bool accepts(const DenseWeights<T>& w) {
    return w.taps <= kMaxColumns && w.depth <= kMaxColumns;
  }
  static size_t bytes(const DenseWeights<T>& w) {
    Carver carver;
    layout(w, carver);
    return carver.used();
  }
  static CoordinateList pack(const DenseWeights<T>& w, void* memory) {
    Carver carver(memory);
    auto [format, end, place, value] = layout(w, carver);
    uint32_t stored = 0;
    for (int row = 0; row < w.rows; ++row) {
      for (int column = 0; column < w.columns(); ++column) {
        if (w(row, column) == T{0}) continue;
        place[stored] = {static_cast<uint16_t>(column / w.depth),
                         static_cast<uint16_t>(column % w.depth)};
        value[stored++] = w(row, column);
      }
      end[row] = stored;
    }
    return format;
  }

  template <class Visit>
  void for_each(int row, Visit&& visit) const {
    for (uint32_t k = row == 0 ? 0 : end[row - 1]; k < end[row]; ++k) {
      visit(place[k].tap, place[k].channel, value[k]);
    }
  }

 private:
  struct Parts {
    CoordinateList format;
    uint32_t* end;
    Place* place;
    T* value;
  };
  static Parts layout(const DenseWeights<T>& w, Carver& carver) {
    const auto kept = static_cast<size_t>(count_nonzeros(w));
    auto* end = carver.take<uint32_t>(static_cast<size_t>(w.rows));
    auto* place = carver.take<Place>(kept);
    auto* value = carver.take<T>(kept);
    return {{w.rows, w.taps, w.depth, end, place, value}, end, place, value};
  }
};

}  // namespace coppice::sparse
