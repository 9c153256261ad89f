#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "coppice/audio/maths.h"

namespace coppice::audio {

/// The first `kOutputs` values of the DCT-II of `kInputs` values in the scaling of mel cepstra,
/// out[k] = sqrt(2 / N) sum_n in[n] cos(pi k (2 n + 1) / (2 N)): orthonormal but for k = 0.
template <int kInputs, int kOutputs>
class CosineTransform {
 public:
  static void apply(std::span<const float, kInputs> in, std::span<float, kOutputs> out) {
    std::array<float, kOutputs> sum{};
    for (size_t n = 0; n < kInputs; ++n) {
      for (size_t k = 0; k < kOutputs; ++k) sum[k] += in[n] * kTable[n][k];
    }
    for (size_t k = 0; k < kOutputs; ++k) out[k] = sum[k];
  }

 private:
  // [input][output], so that the inner loop runs over neighbours.
  using Table = std::array<std::array<float, kOutputs>, kInputs>;
  static constexpr Table make_table() {
    Table table{};
    const double scale = table_sqrt(2.0 / kInputs);
    for (int n = 0; n < kInputs; ++n) {
      for (int k = 0; k < kOutputs; ++k) {
        table[static_cast<size_t>(n)][static_cast<size_t>(k)] =
            static_cast<float>(scale * cos_turn(k * (2 * n + 1), 4 * kInputs));
      }
    }
    return table;
  }
  static constexpr Table kTable = make_table();
};

}  // namespace coppice::audio
