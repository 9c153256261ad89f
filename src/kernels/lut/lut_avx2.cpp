#include <immintrin.h>

#include "coppice/kernels/lut/lut.h"
#include "kernels/lut/layout.h"
#include "kernels/simd/inline.h"

namespace coppice::kernels {
namespace lut {
namespace {

COPPICE_INLINE __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
COPPICE_INLINE void store(void* to, __m256i v) {
  _mm256_storeu_si256(static_cast<__m256i*>(to), v);
}

/// Value of a two's complement field of kBits bits.
template <int kBits>
constexpr int16_t field_value(int field) {
  return static_cast<int16_t>(field >= 1 << (kBits - 1) ? field - (1 << kBits) : field);
}

/// The weights that index i of a table stands for.
template <int kBits>
struct Factors {
  alignas(32) int16_t of[4 / kBits][16];
};
template <int kBits>
constexpr Factors<kBits> make_factors() {
  Factors<kBits> factors{};
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < 4 / kBits; ++k)
      factors.of[k][i] = field_value<kBits>(i >> (k * kBits) & ((1 << kBits) - 1));
  }
  return factors;
}

/// 16 sums of products of one group, low bytes and high bytes apart.
template <int kBits>
COPPICE_INLINE void make_table(const uint8_t* inputs, uint8_t* table) {
  static constexpr Factors<kBits> kFactors = make_factors<kBits>();
  __m256i sums = _mm256_mullo_epi16(_mm256_set1_epi16(inputs[0]), load(kFactors.of[0]));
  if constexpr (kBits == 2) {
    sums = _mm256_add_epi16(sums,
                            _mm256_mullo_epi16(_mm256_set1_epi16(inputs[1]), load(kFactors.of[1])));
  }
  const __m256i low = _mm256_and_si256(sums, _mm256_set1_epi16(255));
  const __m256i high = _mm256_srli_epi16(sums, 8);
  store(table, _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0b11011000));
}

struct Sums16 {
  __m256i low, high;  // Rows 0-7 and 16-23; rows 8-15 and 24-31.
};

COPPICE_INLINE Sums16 add_lookup(Sums16 sums, const uint8_t* table, __m256i index) {
  const __m256i low_bytes =
      _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
  const __m256i high_bytes =
      _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table + 16)));
  const __m256i low = _mm256_shuffle_epi8(low_bytes, index);
  const __m256i high = _mm256_shuffle_epi8(high_bytes, index);
  return {_mm256_add_epi16(sums.low, _mm256_unpacklo_epi8(low, high)),
          _mm256_add_epi16(sums.high, _mm256_unpackhi_epi8(low, high))};
}

COPPICE_INLINE void widen(__m128i sums, int32_t* to) {
  store(to, _mm256_add_epi32(load(to), _mm256_cvtepi16_epi32(sums)));
}

template <int kBits>
COPPICE_INLINE void add_chunk(const uint8_t* inputs, int count, const uint8_t* indices, int blocks,
                              int32_t* sums) {
  constexpr int kGroup = 4 / kBits;
  // An entry is at most 255 * 2 * 2 or 255 * 8 in magnitude: 16 and more of them fit 16 bits.
  constexpr int kPairsAtOnce = 8;
  alignas(32) uint8_t tables[kChunk * kTableBytes];
  const int groups = count / kGroup;
  for (int g = 0; g < groups; ++g) make_table<kBits>(inputs + g * kGroup, tables + g * kTableBytes);
  const __m256i mask = _mm256_set1_epi8(15);
  for (int block = 0; block < blocks; ++block, sums += kBlockRows) {
    for (int pair = 0; pair < groups / 2;) {
      Sums16 total{_mm256_setzero_si256(), _mm256_setzero_si256()};
      const int rest = groups / 2 - pair;
      for (const int end = pair + (rest < kPairsAtOnce ? rest : kPairsAtOnce); pair < end; ++pair) {
        const __m256i both = load(indices);
        indices += kBlockRows;
        const uint8_t* table = tables + 2 * pair * kTableBytes;
        total = add_lookup(total, table, _mm256_and_si256(both, mask));
        total = add_lookup(total, table + kTableBytes,
                           _mm256_and_si256(_mm256_srli_epi16(both, 4), mask));
      }
      widen(_mm256_castsi256_si128(total.low), sums);
      widen(_mm256_castsi256_si128(total.high), sums + 8);
      widen(_mm256_extracti128_si256(total.low, 1), sums + 16);
      widen(_mm256_extracti128_si256(total.high, 1), sums + 24);
    }
  }
}

}  // namespace

void add_chunk_2_bits_avx2(const uint8_t* inputs, int count, const uint8_t* indices, int blocks,
                           int32_t* sums) {
  add_chunk<2>(inputs, count, indices, blocks, sums);
}
void add_chunk_4_bits_avx2(const uint8_t* inputs, int count, const uint8_t* indices, int blocks,
                           int32_t* sums) {
  add_chunk<4>(inputs, count, indices, blocks, sums);
}

}  // namespace lut

// Masks leave two codes of each operand in a byte, so that one `or` makes two indices. Entries are
// made unsigned, which vpsadbw sums eight at a time.
int32_t lut_dot_2x2_avx2(const int8_t* table, const uint8_t* a, const uint8_t* w, size_t count) {
  const __m256i entries = _mm256_xor_si256(
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table))),
      _mm256_set1_epi8(-128));
  const __m256i weight_mask = _mm256_set1_epi8(0x33), mask = _mm256_set1_epi8(15);
  __m256i total = _mm256_setzero_si256();
  size_t byte = 0;
  for (; (byte + 32) * 4 <= count; byte += 32) {
    const __m256i codes_a = lut::load(a + byte), codes_w = lut::load(w + byte);
    const __m256i even =
        _mm256_or_si256(_mm256_and_si256(codes_w, weight_mask),
                        _mm256_slli_epi16(_mm256_and_si256(codes_a, weight_mask), 2));
    const __m256i odd =
        _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(codes_w, 2), weight_mask),
                        _mm256_andnot_si256(weight_mask, codes_a));
    for (const __m256i index : {even, odd}) {
      const __m256i low = _mm256_shuffle_epi8(entries, _mm256_and_si256(index, mask));
      const __m256i high =
          _mm256_shuffle_epi8(entries, _mm256_and_si256(_mm256_srli_epi16(index, 4), mask));
      const __m256i zero = _mm256_setzero_si256();
      total = _mm256_add_epi64(
          total, _mm256_add_epi64(_mm256_sad_epu8(low, zero), _mm256_sad_epu8(high, zero)));
    }
  }
  alignas(32) int64_t parts[4];
  lut::store(parts, total);
  const int64_t sum =
      parts[0] + parts[1] + parts[2] + parts[3] - 128 * static_cast<int64_t>(byte * 4);
  return static_cast<int32_t>(sum) +
         lut_dot_2x2_scalar(table, a + byte, w + byte, count - byte * 4);
}

}  // namespace coppice::kernels
