#pragma once

#include "coppice/sparse/storage.h"

namespace coppice::sparse {

/// Compressed rows of blocks: kRows output channels x kColumns consecutive columns are stored
/// together when any of them is not zero, with a 16-bit index. Blocks of 1 x 1 are plain CSR, 1 x 4
/// is what one dot-product instruction takes, 4 x 1 and 16 x 1 are vectors of output channels.
template <class T, int kRows, int kColumns>
struct BlockCsr {
  using Value = T;

  int rows = 0, taps = 1, depth = 1;
  const uint32_t* end = nullptr;    ///< [row_blocks()] End of the row's blocks in `index`.
  const uint16_t* index = nullptr;  ///< [blocks] First column / kColumns.
  const T* value = nullptr;         ///< [blocks, kRows, kColumns]

  constexpr int row_blocks() const { return (rows + kRows - 1) / kRows; }
  uint32_t begin(int row_block) const { return row_block == 0 ? 0 : end[row_block - 1]; }
  uint32_t blocks() const { return begin(row_blocks()); }

  static bool accepts(const DenseWeights<T>& w) { return w.columns() <= kMaxColumns * kColumns; }
  static size_t bytes(const DenseWeights<T>& w) {
    Carver carver;
    layout(w, carver);
    return carver.used();
  }
  static BlockCsr pack(const DenseWeights<T>& w, void* memory) {
    Carver carver(memory);
    auto [format, end, index, value] = layout(w, carver);
    uint32_t stored = 0;
    for (int block = 0; block < format.row_blocks(); ++block) {
      for (int column = 0; column < w.columns(); column += kColumns) {
        if (!is_kept(w, block, column)) continue;
        index[stored++] = static_cast<uint16_t>(column / kColumns);
        for (int r = 0; r < kRows; ++r) {
          for (int c = 0; c < kColumns; ++c) *value++ = element(w, block * kRows + r, column + c);
        }
      }
      end[block] = stored;
    }
    return format;
  }

  template <class Visit>
  void for_each(int row, Visit&& visit) const {
    for (uint32_t b = begin(row / kRows); b < end[row / kRows]; ++b) {
      const T* from = value + (static_cast<ptrdiff_t>(b) * kRows + row % kRows) * kColumns;
      const int first = index[b] * kColumns;
      for (int column = first; column < first + kColumns && column < taps * depth; ++column) {
        visit(column / depth, column % depth, from[column - first]);
      }
    }
  }

 private:
  struct Parts {
    BlockCsr format;
    uint32_t* end;
    uint16_t* index;
    T* value;
  };
  static T element(const DenseWeights<T>& w, int row, int column) {
    return row < w.rows && column < w.columns() ? w(row, column) : T{0};
  }
  static bool is_kept(const DenseWeights<T>& w, int row_block, int column) {
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kColumns; ++c) {
        if (element(w, row_block * kRows + r, column + c) != T{0}) return true;
      }
    }
    return false;
  }
  static Parts layout(const DenseWeights<T>& w, Carver& carver) {
    BlockCsr format{w.rows, w.taps, w.depth};
    size_t kept = 0;
    for (int block = 0; block < format.row_blocks(); ++block) {
      for (int column = 0; column < w.columns(); column += kColumns) {
        kept += is_kept(w, block, column);
      }
    }
    auto* end = carver.take<uint32_t>(static_cast<size_t>(format.row_blocks()));
    auto* index = carver.take<uint16_t>(kept);
    auto* value = carver.take<T>(kept * kRows * kColumns);
    format.end = end, format.index = index, format.value = value;
    return {format, end, index, value};
  }
};

template <class T>
using Csr = BlockCsr<T, 1, 1>;
template <class T>
using Block1x4 = BlockCsr<T, 1, 4>;
template <class T>
using Vector4x1 = BlockCsr<T, 4, 1>;
template <class T>
using Vector16x1 = BlockCsr<T, 16, 1>;

}  // namespace coppice::sparse
