#pragma once

#include <cstdint>

namespace coppice::kernels::simd {

/// How packed weights lie in memory for one traits type.
struct VectorLayout {
  int lanes;         ///< T::kLanes.
  int weight_bytes;  ///< 1, or 2 for instruction sets without a dot product of bytes.
  /// Words (of four weights a lane) that share their bytes: 2 with weights of 4 bits, 4 with
  /// weights of 2 bits; the first word has the low bits. weight_bytes is 1 then.
  int fields = 1;

  /// Bytes of `fields` words.
  constexpr int word_bytes() const { return lanes * 4 * weight_bytes; }
  constexpr int weight_bits() const { return 8 / fields; }
  /// Outputs of four vectors: what is narrowed to bytes at a time.
  constexpr int quad() const { return 4 * lanes; }
};

/// The lane's place among the bytes that four vectors narrow to (pack8 of pack16, by blocks of 128
/// bits). Channels in this order need no shuffle after the narrowing.
constexpr int quad_place(int vector, int lane) { return lane / 4 * 16 + 4 * vector + lane % 4; }

/// Weight `k` (0 .. 4 * fields - 1) of a lane in zeroed words.
inline void put_weight(const VectorLayout& layout, void* word, int lane, int k, int8_t value) {
  if (layout.fields > 1) {
    auto& byte = static_cast<uint8_t*>(word)[lane * 4 + k % 4];
    const auto field = static_cast<unsigned>(value) & ((1u << layout.weight_bits()) - 1u);
    byte = static_cast<uint8_t>(byte | field << (k / 4 * layout.weight_bits()));
  } else if (layout.weight_bytes == 1) {
    static_cast<int8_t*>(word)[lane * 4 + k] = value;
  } else {
    static_cast<int16_t*>(word)[k % 2 * 2 * layout.lanes + lane * 2 + k / 2] = value;
  }
}

}  // namespace coppice::kernels::simd
