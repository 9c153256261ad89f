#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace coppice::kernels::simd {

/// How a word of weights, four of each lane, lies in memory.
enum class WeightForm {
  kBytes,   ///< int8, those of a lane together: for dot products of bytes.
  kPairs,   ///< int16: 0 and 2 of each lane, in the next vector 1 and 3. For (v)pmaddwd.
  kPlanes,  ///< int16: 0 of all lanes, then 1, 2 and 3. For smlal.
};

/// How packed weights lie in memory for one traits type, and what inputs they will meet.
struct VectorLayout {
  int lanes;  ///< T::kLanes.
  WeightForm form;
  /// Words that share their bytes: 2 with weights of 4 bits, 4 with weights of 2 bits; the first
  /// word has the low bits. The form is kBytes then.
  int fields = 1;
  /// How much higher than the model's the inputs of the products are: 128 as images have them, 0
  /// where the kernel makes them signed again.
  int input_offset = 128;

  constexpr int weight_bytes() const { return form == WeightForm::kBytes ? 1 : 2; }
  /// Bytes of `fields` words.
  constexpr int word_bytes() const { return lanes * 4 * weight_bytes(); }
  constexpr int weight_bits() const { return 8 / fields; }
  /// Outputs of four vectors: what is narrowed to bytes at a time.
  constexpr int quad() const { return 4 * lanes; }
};

inline constexpr VectorLayout kAvx512VnniLayout{16, WeightForm::kBytes};
inline constexpr VectorLayout kAvx512Layout{16, WeightForm::kPairs};
inline constexpr VectorLayout kAvxVnniLayout{8, WeightForm::kBytes};
inline constexpr VectorLayout kAvx2Layout{8, WeightForm::kPairs};
inline constexpr VectorLayout kSse41Layout{4, WeightForm::kPairs};
inline constexpr VectorLayout kNeonDotLayout{4, WeightForm::kBytes, 1, 0};
inline constexpr VectorLayout kNeonLayout{4, WeightForm::kPlanes};

/// The lane's place among the bytes that four vectors narrow to (pack8 of pack16, by blocks of 128
/// bits). Channels in this order need no shuffle after the narrowing.
constexpr int quad_place(int vector, int lane) { return lane / 4 * 16 + 4 * vector + lane % 4; }

/// Weight `k` (0 .. 4 * fields - 1) of a lane in zeroed words.
inline void put_weight(const VectorLayout& layout, void* word, int lane, int k, int8_t value) {
  if (layout.fields > 1) {
    auto& byte = static_cast<uint8_t*>(word)[lane * 4 + k % 4];
    const auto field = static_cast<unsigned>(value) & ((1u << layout.weight_bits()) - 1u);
    byte = static_cast<uint8_t>(byte | field << (k / 4 * layout.weight_bits()));
  } else if (layout.form == WeightForm::kBytes) {
    static_cast<int8_t*>(word)[lane * 4 + k] = value;
  } else if (layout.form == WeightForm::kPairs) {
    static_cast<int16_t*>(word)[k % 2 * 2 * layout.lanes + lane * 2 + k / 2] = value;
  } else {
    static_cast<int16_t*>(word)[k * layout.lanes + lane] = value;
  }
}

/// `count` weights of a lane in zeroed words that lie `step` bytes apart.
inline void put_weights(const VectorLayout& layout, std::byte* word, int step, int lane,
                        const int8_t* from, int count) {
  const int at_once = 4 * layout.fields;
  int i = 0;
  if (layout.form == WeightForm::kBytes && layout.fields == 1) {
    for (; i + 4 <= count; i += 4, word += step) std::memcpy(word + lane * 4, from + i, 4);
  }
  for (; i < count; i += at_once, word += step) {
    for (int k = 0; k < at_once && i + k < count; ++k)
      put_weight(layout, word, lane, k, from[i + k]);
  }
}

}  // namespace coppice::kernels::simd
