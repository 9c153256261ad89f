#pragma once

#include "coppice/sparse/storage.h"

namespace coppice::sparse {

/// One bit a group of weights, and the values of the groups that hold a non-zero. A group is
/// `length` consecutive taps of one input channel:
///   length 1         bitmap: one bit a weight;
///   length kernel_w  vector mask: one bit a row of a kernel (arXiv 2208.02765, arXiv 1705.08922);
///   length taps      kernel mask: one bit a kernel.
template <class T>
struct MaskedGroups {
  using Value = T;

  int rows = 0, taps = 1, depth = 1;
  int length = 1;                   ///< Divides taps.
  const uint32_t* begin = nullptr;  ///< [rows] First value of the row.
  const uint32_t* mask = nullptr;   ///< [rows, words()] Bit g % 32 of word g / 32: group g is kept.
  const T* value = nullptr;         ///< Kept groups, `length` values each.

  constexpr int groups() const { return taps / length * depth; }
  constexpr int words() const { return (groups() + 31) / 32; }

  static bool accepts(const DenseWeights<T>& w, int length) {
    return length > 0 && w.taps % length == 0;
  }
  static size_t bytes(const DenseWeights<T>& w, int length) {
    Carver carver;
    layout(w, length, carver);
    return carver.used();
  }
  static MaskedGroups pack(const DenseWeights<T>& w, int length, void* memory) {
    Carver carver(memory);
    auto [format, begin, mask, value] = layout(w, length, carver);
    uint32_t stored = 0;
    for (int row = 0; row < w.rows; ++row) {
      begin[row] = stored;
      uint32_t* bits = mask + row * format.words();
      for (int word = 0; word < format.words(); ++word) bits[word] = 0;
      for (int group = 0; group < format.groups(); ++group) {
        if (!is_kept(w, row, group, length)) continue;
        bits[group / 32] |= uint32_t{1} << (group % 32);
        for (int t = 0; t < length; ++t) value[stored++] = element(w, row, group, length, t);
      }
    }
    return format;
  }

  template <class Visit>
  void for_each(int row, Visit&& visit) const {
    const uint32_t* bits = mask + row * words();
    const T* from = value + begin[row];
    int group = 0;
    for (int tap = 0; tap < taps; tap += length) {
      for (int i = 0; i < depth; ++i, ++group) {
        if ((bits[group / 32] >> (group % 32) & 1u) == 0) continue;
        for (int t = 0; t < length; ++t) visit(tap + t, i, *from++);
      }
    }
  }

 private:
  struct Parts {
    MaskedGroups format;
    uint32_t *begin, *mask;
    T* value;
  };
  static T element(const DenseWeights<T>& w, int row, int group, int length, int t) {
    return w(row, group / w.depth * length + t, group % w.depth);
  }
  static bool is_kept(const DenseWeights<T>& w, int row, int group, int length) {
    for (int t = 0; t < length; ++t) {
      if (element(w, row, group, length, t) != T{0}) return true;
    }
    return false;
  }
  static Parts layout(const DenseWeights<T>& w, int length, Carver& carver) {
    MaskedGroups format{w.rows, w.taps, w.depth, length};
    size_t kept = 0;
    for (int row = 0; row < w.rows; ++row) {
      for (int g = 0; g < format.groups(); ++g) kept += is_kept(w, row, g, length);
    }
    const auto rows = static_cast<size_t>(w.rows);
    auto* begin = carver.take<uint32_t>(rows);
    auto* mask = carver.take<uint32_t>(rows * static_cast<size_t>(format.words()));
    auto* value = carver.take<T>(kept * static_cast<size_t>(length));
    format.begin = begin, format.mask = mask, format.value = value;
    return {format, begin, mask, value};
  }
};

}  // namespace coppice::sparse
