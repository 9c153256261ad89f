#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

inline constexpr int kPhiloxBlocks = 16;                 ///< Counters computed side by side.
inline constexpr int kDropoutGroup = kPhiloxBlocks * 8;  ///< 16 bits of 128 decide one element.

/// core/random.h's philox4x32 for kPhiloxBlocks consecutive counters: words[w][i] is word w of
/// counter first + i.
inline void philox_blocks(const DropoutStream& stream, uint32_t first,
                          uint32_t words[4][kPhiloxBlocks]) {
  for (int i = 0; i < kPhiloxBlocks; ++i) {
    words[0][i] = first + static_cast<uint32_t>(i);
    for (int w = 1; w < 4; ++w) words[w][i] = stream.counter[w - 1];
  }
  uint32_t k0 = stream.key[0], k1 = stream.key[1];
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kPhiloxBlocks; ++i) {
      const uint64_t p0 = 0xD2511F53ull * words[0][i];
      const uint64_t p1 = 0xCD9E8D57ull * words[2][i];
      words[0][i] = static_cast<uint32_t>(p1 >> 32) ^ words[1][i] ^ k0;
      words[1][i] = static_cast<uint32_t>(p1);
      words[2][i] = static_cast<uint32_t>(p0 >> 32) ^ words[3][i] ^ k1;
      words[3][i] = static_cast<uint32_t>(p0);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

inline void dropout(const DropoutStream& stream, const float* x, int64_t count, float* y,
                    uint8_t* kept) {
  uint32_t words[4][kPhiloxBlocks];
  uint8_t keep[kDropoutGroup];
  for (int64_t begin = 0; begin < count; begin += kDropoutGroup) {
    philox_blocks(stream, static_cast<uint32_t>(begin / 8), words);
    for (int half = 0; half < 8; ++half) {
      const uint32_t* word = words[half / 2];
      const int shift = half % 2 * 16;
      for (int i = 0; i < kPhiloxBlocks; ++i) {
        keep[half * kPhiloxBlocks + i] = ((word[i] >> shift) & 0xFFFFu) >= stream.threshold;
      }
    }
    const int64_t rest = count - begin;
    const int n = rest < kDropoutGroup ? static_cast<int>(rest) : kDropoutGroup;
    for (int i = 0; i < n; ++i) {
      y[begin + i] = keep[i] != 0 ? x[begin + i] * stream.scale : 0.0f;
      kept[begin + i] = keep[i];
    }
  }
}

// dx may be dy.
inline void dropout_backward(const float* dy, const uint8_t* kept, int64_t count, float scale,
                             bool accumulate, float* dx) {
  if (accumulate) {
    for (int64_t i = 0; i < count; ++i) dx[i] += kept[i] != 0 ? dy[i] * scale : 0.0f;
  } else {
    for (int64_t i = 0; i < count; ++i) dx[i] = kept[i] != 0 ? dy[i] * scale : 0.0f;
  }
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
