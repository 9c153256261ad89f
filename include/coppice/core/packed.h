#pragma once

#include <cstddef>
#include <cstdint>

namespace coppice {

/// Bytes that hold `count` values of `bits` (8, 4 or 2) bits.
constexpr size_t packed_bytes(size_t count, int bits) {
  return (count * static_cast<size_t>(bits) + 7) / 8;
}

/// Signed value `index` of an array packed at `bits` (8, 4 or 2), low nibble / low crumb first.
inline int8_t packed_get(const uint8_t* data, size_t index, int bits) {
  if (bits == 8) return static_cast<int8_t>(data[index]);
  const size_t per_byte = 8u / static_cast<size_t>(bits);
  const int shift = static_cast<int>(index % per_byte) * bits;
  const unsigned field = (static_cast<unsigned>(data[index / per_byte]) >> shift) &
                         ((1u << bits) - 1u);
  const unsigned sign = 1u << (bits - 1);
  return static_cast<int8_t>(static_cast<int>(field ^ sign) - static_cast<int>(sign));
}

/// Stores a signed value; the array must be zeroed first, and each place is written once.
inline void packed_set(uint8_t* data, size_t index, int bits, int8_t value) {
  if (bits == 8) {
    data[index] = static_cast<uint8_t>(value);
    return;
  }
  const size_t per_byte = 8u / static_cast<size_t>(bits);
  const int shift = static_cast<int>(index % per_byte) * bits;
  const unsigned field = static_cast<unsigned>(value) & ((1u << bits) - 1u);
  data[index / per_byte] = static_cast<uint8_t>(data[index / per_byte] | (field << shift));
}

}  // namespace coppice
