#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "coppice/audio/maths.h"

/// Tables of the fixed-point front end in micro.h. Where the original computes in single precision,
/// so do they, so that each rounded entry is the same.
namespace coppice::audio::micro_tables {

inline constexpr int kWeightBits = 12;  ///< Fraction bits of window and filter bank weights.

/// floor(x + 1/2) with the sum in single precision: just below a half it may round up.
constexpr int16_t round_single(float x) {
  const float shifted = x + 0.5f;
  return static_cast<int16_t>(shifted);  // x >= 0 throughout.
}

/// Hann window sampled between the points, (i + 1/2) / N, in Q12.
template <int N>
constexpr std::array<int16_t, N> make_window() {
  std::array<int16_t, N> window{};
  const float step = static_cast<float>(kPi) * 2.0f / static_cast<float>(N);
  for (int i = 0; i < N; ++i) {
    const float angle = step * (static_cast<float>(i) + 0.5f);
    const float value = 0.5f - 0.5f * static_cast<float>(table_cos(angle));
    window[static_cast<size_t>(i)] = round_single(value * (1 << kWeightBits));
  }
  return window;
}

/// HTK mel in single precision.
constexpr float mel(float hz) {
  const float ratio = hz / 700.0f;
  return 1127.0f * static_cast<float>(table_log(1.0 + static_cast<double>(ratio)));
}

/// The upper edge, 7500 Hz. The single-precision logarithm that the original was run with (fdlibm's
/// log1pf: glibc to 2.40, newlib) gives one unit in the last place more than the exact value, and
/// two weights depend on it.
inline constexpr float kHighMel = 2773.33203125f;
static_assert(kHighMel - mel(7500.0f) < 0.00025f && kHighMel > mel(7500.0f));

/// Overlapping triangles, stored by spectrum bin: bin b of slice c counts with weight[b] for
/// channel c - 1 and with unweight[b] for channel c, where slice c is the range of bins
/// slice_begin[c] .. slice_begin[c + 1] - 1 between two centres.
template <int kChannels, int kBins>
struct FilterBank {
  std::array<uint16_t, kChannels + 2> slice_begin{};
  std::array<int16_t, kBins> weight{};
  std::array<int16_t, kBins> unweight{};
};

template <int kChannels, int kBins>
constexpr FilterBank<kChannels, kBins> make_filter_bank(float sample_rate, float low_hz,
                                                        float high_mel) {
  FilterBank<kChannels, kBins> bank;
  const float hz_per_bin = 0.5f * sample_rate / (static_cast<float>(kBins) - 1.0f);
  const float low = mel(low_hz);
  const float spacing = (high_mel - low) / static_cast<float>(kChannels + 1);
  auto bin = static_cast<int>(1.5f + low_hz / hz_per_bin);  // Never 0 Hz.
  float left = low;
  for (int slice = 0; slice <= kChannels; ++slice) {
    bank.slice_begin[static_cast<size_t>(slice)] = static_cast<uint16_t>(bin);
    const float centre = low + spacing * static_cast<float>(slice + 1);
    for (; bin < kBins; ++bin) {
      const float position = mel(static_cast<float>(bin) * hz_per_bin);
      if (position > centre) break;
      const float weight = (centre - position) / (centre - left);
      const auto at = static_cast<size_t>(bin);
      bank.weight[at] = round_single(weight * 4096.0f);
      bank.unweight[at] = round_single((1.0f - weight) * 4096.0f);
    }
    left = centre;
  }
  bank.slice_begin[kChannels + 1] = static_cast<uint16_t>(bin);
  return bank;
}

/// Values at 0, 1 and, for each interval [2^(n-1), 2^n) with n = 2 .. 32, the value at its start
/// and the two coefficients of a parabola over it (the fourth entry is unused).
using GainTable = std::array<int16_t, 4 * 32 - 3>;

/// gain(x) = 2^21 (x / 2^7 + 80)^-0.95, at most 32767.
constexpr int16_t gain(uint32_t x) {
  const float shifted = static_cast<float>(x) / 128.0f + 80.0f;
  // The exponent is 0.95 as a float.
  const double power = table_exp(-static_cast<double>(0.95f) * table_log(shifted));
  const float value = 2097152.0f * static_cast<float>(power);
  return value > 32767.0f ? int16_t{32767} : static_cast<int16_t>(value + 0.5f);
}

constexpr GainTable make_gain_table() {
  GainTable table{};
  table[0] = gain(0);
  table[1] = gain(1);
  for (uint32_t interval = 2; interval <= 32; ++interval) {
    const uint32_t start = uint32_t{1} << (interval - 1);
    const uint32_t end = interval == 32 ? start + (start - 1) : 2 * start;
    const int32_t at_start = gain(start);
    const int32_t to_middle = gain(start + start / 2) - at_start;
    const int32_t to_end = gain(end) - at_start;
    const int32_t linear = 4 * to_middle - to_end;
    const size_t entry = 4 * interval - 6;
    table[entry] = static_cast<int16_t>(at_start);
    table[entry + 1] = static_cast<int16_t>(linear);
    table[entry + 2] = static_cast<int16_t>(to_end - linear);
  }
  return table;
}

/// 2^16 (log2(1 + s) - s) at s = i / 128: what a straight line misses of log2. One more entry, so
/// that the last segment has an end.
constexpr std::array<uint16_t, 130> make_log_table() {
  std::array<uint16_t, 130> table{};
  for (int i = 1; i < 128; ++i) {
    const double s = i / 128.0;
    table[static_cast<size_t>(i)] =
        static_cast<uint16_t>(round_half_up(65536.0 * (table_log(1.0 + s) / kLn2 - s)));
  }
  return table;
}

}  // namespace coppice::audio::micro_tables
