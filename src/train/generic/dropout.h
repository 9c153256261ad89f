#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

inline constexpr int kPhiloxBlocks = 32;                 ///< Counters computed side by side.
inline constexpr int kDropoutGroup = kPhiloxBlocks * 8;  ///< 16 bits of 128 decide one element.

/// One word of kPhiloxBlocks counters.
struct PhiloxWords {
  uint32_t at[kPhiloxBlocks];
};

// high, low = the two halves of multiplier * words. Kept a loop: unrolled it would not be
// vectorized.
inline void multiply_wide(uint32_t multiplier, const PhiloxWords& words, PhiloxWords& high,
                          PhiloxWords& low) {
#pragma GCC unroll 1
  for (int i = 0; i < kPhiloxBlocks; ++i) {
    const uint64_t product = uint64_t{multiplier} * words.at[i];
    high.at[i] = static_cast<uint32_t>(product >> 32);
    low.at[i] = static_cast<uint32_t>(product);
  }
}

/// core/random.h's philox4x32 for kPhiloxBlocks consecutive counters from `first`.
inline void philox_blocks(const DropoutStream& stream, uint32_t first, PhiloxWords (&words)[4]) {
#pragma GCC unroll 1
  for (int i = 0; i < kPhiloxBlocks; ++i) {
    words[0].at[i] = first + static_cast<uint32_t>(i);
    words[1].at[i] = stream.counter[0];
    words[2].at[i] = stream.counter[1];
    words[3].at[i] = stream.counter[2];
  }
  uint32_t k0 = stream.key[0], k1 = stream.key[1];
  for (int round = 0; round < 10; ++round) {
    PhiloxWords high0, low0, high1, low1;
    multiply_wide(0xD2511F53u, words[0], high0, low0);
    multiply_wide(0xCD9E8D57u, words[2], high1, low1);
#pragma GCC unroll 1
    for (int i = 0; i < kPhiloxBlocks; ++i) {
      words[0].at[i] = high1.at[i] ^ words[1].at[i] ^ k0;
      words[1].at[i] = low1.at[i];
      words[2].at[i] = high0.at[i] ^ words[3].at[i] ^ k1;
      words[3].at[i] = low0.at[i];
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

// y = x * scale or 0. A product, as a choice would become a branch.
inline void scale_kept(const float* x, const uint8_t* kept, int64_t count, float scale, float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * (static_cast<float>(kept[i]) * scale);
}

inline void dropout(const DropoutStream& stream, const float* x, int64_t count, float* y,
                    uint8_t* kept) {
  PhiloxWords words[4];
  uint8_t keep[kDropoutGroup];
  for (int64_t begin = 0; begin < count; begin += kDropoutGroup) {
    philox_blocks(stream, static_cast<uint32_t>(begin / 8), words);
    for (int half = 0; half < 8; ++half) {
      const PhiloxWords& word = words[half / 2];
      const int shift = half % 2 * 16;
#pragma GCC unroll 1
      for (int i = 0; i < kPhiloxBlocks; ++i) {
        keep[half * kPhiloxBlocks + i] = ((word.at[i] >> shift) & 0xFFFFu) >= stream.threshold;
      }
    }
    const int64_t rest = count - begin;
    const int n = rest < kDropoutGroup ? static_cast<int>(rest) : kDropoutGroup;
    scale_kept(x + begin, keep, n, stream.scale, y + begin);
    for (int i = 0; i < n; ++i) kept[begin + i] = keep[i];
  }
}

// dx may be dy.
inline void dropout_backward(const float* dy, const uint8_t* kept, int64_t count, float scale,
                             bool accumulate, float* dx) {
  if (!accumulate) {
    scale_kept(dy, kept, count, scale, dx);
    return;
  }
  for (int64_t i = 0; i < count; ++i) dx[i] += dy[i] * (static_cast<float>(kept[i]) * scale);
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
