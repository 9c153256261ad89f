#pragma once

#include "kernels/conv2d/u8_run.h"
#include "kernels/simd/avx512vnni.h"

namespace coppice::kernels::conv_u8 {

/// Weights of 8 / kFieldCount bits, unpacked into the high bits of signed bytes. vpermb looks a
/// field up by the low six bits of its byte; the last field needs a mask alone. Both leave the port
/// of vpdpbusd alone more than shifts do: 2 + 2 instructions for 128 weights of 4 bits.
template <int kFieldCount>
struct Packed : simd::Avx512Vnni {
  static constexpr int kFields = kFieldCount;
  static constexpr int kBits = 8 / kFieldCount;
  static constexpr int kPixels[4] = {8, 8, 6, 5};

  struct Tables {
    alignas(64) uint8_t high[3][64];  ///< [field][low six bits of a byte]
  };
  static constexpr Tables make_tables() {
    Tables tables{};
    for (int field = 0; field < 3; ++field) {
      for (int i = 0; i < 64; ++i)
        tables.high[field][i] = static_cast<uint8_t>(i >> (field * kBits) << (8 - kBits));
    }
    return tables;
  }
  static constexpr Tables kTables = make_tables();

  static COPPICE_INLINE Weights field(Weights packed, int index) {
    constexpr int kLastMask = 0xff << (8 - kBits) & 0xff;
    if (index == kFieldCount - 1) return _mm512_and_si512(packed, all8(kLastMask));
    return _mm512_permutexvar_epi8(packed, load(kTables.high[index]));
  }
};

}  // namespace coppice::kernels::conv_u8
