#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "coppice/audio/maths.h"

namespace coppice::audio {

/// The two families of mel filters in use.
enum class MelStyle {
  /// Slaney's Auditory Toolbox (librosa's default): linear below 1 kHz, logarithmic above;
  /// triangles
  /// straight over frequency, scaled to unit area (2 / width in Hz).
  kSlaney,
  /// HTK's mel(f) = 1127 ln(1 + f / 700); triangles straight over mel, with peak 1; the bin of 0 Hz
  /// is left out (TensorFlow's linear_to_mel_weight_matrix).
  kHtk,
};

/// Which filters over which spectrum. Frequencies in Hz.
struct MelSpec {
  MelStyle style;
  int sample_rate;
  int fft_size;
  int low_hz;
  int high_hz;
  int bands;
};

constexpr double hz_to_mel(MelStyle style, double hz) {
  if (style == MelStyle::kHtk) return 1127.0 * table_log(1.0 + hz / 700.0);
  return hz < 1000.0 ? 3.0 * hz / 200.0 : 15.0 + 27.0 * table_log(hz / 1000.0) / table_log(6.4);
}

constexpr double mel_to_hz(MelStyle style, double mel) {
  if (style == MelStyle::kHtk) return 700.0 * (table_exp(mel / 1127.0) - 1.0);
  return mel < 15.0 ? 200.0 * mel / 3.0 : 1000.0 * table_exp((mel - 15.0) * table_log(6.4) / 27.0);
}

/// A bank of triangular filters that stores non-zero weights only; constants, in flash on a chip.
template <MelSpec kSpec>
class MelBank {
 public:
  static constexpr int kBands = kSpec.bands;
  static constexpr int kBins = kSpec.fft_size / 2 + 1;

  /// Non-zero weights of one band: bins first .. first + count - 1, from weights()[offset] on.
  struct Band {
    uint16_t first;
    uint16_t count;
    uint16_t offset;
  };

  static constexpr std::span<const Band, static_cast<size_t>(kBands)> bands() {
    return kTables.bands;
  }
  static constexpr std::span<const float> weights() { return kTables.weights; }
  /// One past the highest bin that any band reads: bins from here on need not be computed.
  static constexpr int end_bin() { return kTables.bands.back().first + kTables.bands.back().count; }

  /// out[b] = sum of weight * spectrum over the bins of band b. `spectrum` holds at least end_bin()
  /// values (magnitude or power, as the caller's recipe has it).
  static void apply(std::span<const float> spectrum,
                    std::span<float, static_cast<size_t>(kBands)> out) {
    for (size_t b = 0; b < kTables.bands.size(); ++b) {
      const Band band = kTables.bands[b];
      const float* bins = spectrum.data() + band.first;
      const float* weight = kTables.weights.data() + band.offset;
      float sum = 0.0f;
      for (int i = 0; i < band.count; ++i) sum += bins[i] * weight[i];
      out[b] = sum;
    }
  }

 private:
  // A triangle rises from left to centre and falls to right; positions in Hz or mel by style.
  struct Triangle {
    double left;
    double centre;
    double right;
    double height;
    constexpr double at(double position) const {
      const double rise = (position - left) / (centre - left);
      const double fall = (right - position) / (right - centre);
      const double lower = rise < fall ? rise : fall;
      return lower > 0.0 ? height * lower : 0.0;
    }
  };
  using Positions = std::array<double, static_cast<size_t>(kBins)>;

  static constexpr Triangle triangle(int band) {
    const double low = hz_to_mel(kSpec.style, kSpec.low_hz);
    const double step = (hz_to_mel(kSpec.style, kSpec.high_hz) - low) / (kBands + 1);
    double edges[3] = {};
    for (int i = 0; i < 3; ++i) {
      const double mel = low + step * (band + i);
      edges[i] = kSpec.style == MelStyle::kHtk ? mel : mel_to_hz(kSpec.style, mel);
    }
    const double height = kSpec.style == MelStyle::kHtk ? 1.0 : 2.0 / (edges[2] - edges[0]);
    return {edges[0], edges[1], edges[2], height};
  }
  static constexpr Positions bin_positions() {
    Positions positions{};
    for (int bin = 0; bin < kBins; ++bin) {
      const double hz = static_cast<double>(kSpec.sample_rate) * bin / kSpec.fft_size;
      positions[static_cast<size_t>(bin)] =
          kSpec.style == MelStyle::kHtk ? hz_to_mel(kSpec.style, hz) : hz;
    }
    return positions;
  }
  // Weights below a float's smallest normal are rounding of an edge that falls on a bin.
  static constexpr bool counts(double weight) { return weight > 1e-12; }

  static constexpr int first_bin(const Positions& positions, const Triangle& shape, int from) {
    const int start = kSpec.style == MelStyle::kHtk ? 1 : 0;
    int bin = from > start ? from : start;
    while (bin < kBins && positions[static_cast<size_t>(bin)] < shape.right &&
           !counts(shape.at(positions[static_cast<size_t>(bin)]))) {
      ++bin;
    }
    return bin;
  }
  // Calls visit(band, first, count) for each band.
  template <class Visit>
  static constexpr void for_each_band(const Positions& positions, Visit&& visit) {
    int first = 0;
    for (int band = 0; band < kBands; ++band) {
      const Triangle shape = triangle(band);
      first = first_bin(positions, shape, first);
      int count = 0;
      while (first + count < kBins &&
             counts(shape.at(positions[static_cast<size_t>(first + count)]))) {
        ++count;
      }
      visit(shape, band, first, count);
    }
  }
  static constexpr size_t count_weights() {
    size_t total = 0;
    for_each_band(bin_positions(), [&](const Triangle&, int, int, int count) {
      total += static_cast<size_t>(count);
    });
    return total;
  }
  struct Tables {
    std::array<Band, static_cast<size_t>(kBands)> bands;
    std::array<float, count_weights()> weights;
  };
  static constexpr Tables make_tables() {
    Tables tables{};
    size_t at = 0;
    const Positions positions = bin_positions();
    for_each_band(positions, [&](const Triangle& shape, int band, int first, int count) {
      tables.bands[static_cast<size_t>(band)] = {
          static_cast<uint16_t>(first), static_cast<uint16_t>(count), static_cast<uint16_t>(at)};
      for (int i = 0; i < count; ++i) {
        tables.weights[at++] =
            static_cast<float>(shape.at(positions[static_cast<size_t>(first + i)]));
      }
    });
    return tables;
  }
  static constexpr Tables kTables = make_tables();
};

}  // namespace coppice::audio
