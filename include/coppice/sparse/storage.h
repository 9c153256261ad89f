#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "coppice/sparse/weights.h"

// A storage format is a type F over memory of the caller:
//   F::accepts(w, ...)     whether it can hold these weights;
//   F::bytes(w, ...)       all bytes it stores, indices and ends of rows included;
//   F::pack(w, memory, ..) writes them (memory aligned to kStorageAlignment), returns the view;
//   for_each(row, visit)   visit(tap, channel, value) for what is stored of a row, tap by tap; a
//                          group or block that is kept may hold zeros.

namespace coppice::sparse {

inline constexpr size_t kStorageAlignment = 64;

/// Largest number of columns that 16-bit indices address.
inline constexpr int kMaxColumns = 1 << 16;

/// Hands out arrays from one block of memory, one after the other. Without memory it only counts.
class Carver {
 public:
  explicit Carver(void* memory = nullptr) : memory_(static_cast<std::byte*>(memory)) {}

  template <class T>
  T* take(size_t count) {
    used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T);
    T* first = memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + used_);
    used_ += count * sizeof(T);
    return first;
  }
  size_t used() const { return used_; }

 private:
  std::byte* memory_;
  size_t used_ = 0;
};

template <class Format>
concept StorageFormat = requires(const Format format, int row) {
  typename Format::Value;
  { format.rows } -> std::convertible_to<int>;
  { format.taps } -> std::convertible_to<int>;
  { format.depth } -> std::convertible_to<int>;
  format.for_each(row, [](int /*tap*/, int /*channel*/, typename Format::Value) {});
};

/// Writes the weights back as [rows, taps, depth].
template <StorageFormat Format>
void unpack(const Format& format, typename Format::Value* dense) {
  using Value = typename Format::Value;
  const int columns = format.taps * format.depth;
  for (int row = 0; row < format.rows; ++row, dense += columns) {
    for (int column = 0; column < columns; ++column) dense[column] = Value{0};
    format.for_each(row, [&](int tap, int channel, Value value) {
      dense[tap * format.depth + channel] = value;
    });
  }
}

}  // namespace coppice::sparse
