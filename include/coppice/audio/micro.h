#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "coppice/audio/fixed_fft.h"
#include "coppice/audio/micro_tables.h"
#include "coppice/audio/window.h"

namespace coppice::audio {

/// The integer front end of TensorFlow Lite Micro's keyword examples, bit for bit, in the settings
/// of its Python op: 30 ms window every 20 ms, 40 mel channels from 125 to 7500 Hz, noise
/// reduction, per-channel amplitude normalization (PCAN; Wang et al., "Trainable Frontend for
/// Robust and Far-Field Keyword Spotting", 2017) on or off, logarithm. No float anywhere. 16 kHz, 1
/// s: [49 frames, 40, 1].
class Micro {
 public:
  static constexpr int kSampleRate = 16000;
  static constexpr int kClipSamples = 16000;
  static constexpr int kWindow = 480;
  static constexpr int kHop = 320;
  static constexpr int kFrames = frame_count(kClipSamples, kWindow, kHop);
  static constexpr int kChannels = 40;
  static constexpr int kFeatures = kFrames * kChannels;
  /// A network's input is the integer output (0 .. about 1000) times this.
  static constexpr float kInputScale = 10.0f / 256.0f;

  using Fft = FixedRealFft<512>;

  /// The noise estimate that runs on from frame to frame; zero at the start of a clip.
  struct State {
    std::array<uint32_t, kChannels> noise{};
  };

  /// Scratch, the caller's: 4 KB.
  struct Workspace {
    Fft::Workspace fft;
    std::array<int16_t, Fft::kSize> frame;
    std::array<ComplexQ15, Fft::kBins> spectrum;
    std::array<uint32_t, kChannels> signal;
  };

  /// One frame of samples in, 40 integers out; advances the noise estimate.
  static void frame(std::span<const int16_t, kWindow> samples, bool pcan, State& state,
                    std::span<uint16_t, kChannels> out, Workspace& workspace) {
    const int shift = window_and_scale(samples, workspace.frame);
    Fft::forward(workspace.frame, workspace.spectrum, workspace.fft);
    mel_amplitudes(workspace.spectrum, shift, workspace.signal);
    for (size_t channel = 0; channel < kChannels; ++channel) {
      uint32_t& noise = state.noise[channel];
      uint32_t value = reduce_noise(workspace.signal[channel], channel % 2 == 1, noise);
      if (pcan) value = normalize_amplitude(value, noise);
      const uint32_t logarithm = scaled_logarithm(value << kCorrectionBits);
      out[channel] = static_cast<uint16_t>(logarithm < 0xffff ? logarithm : 0xffff);
    }
  }

  /// A whole clip: features[frame * 40 + channel].
  static void compute(std::span<const int16_t, kClipSamples> clip, bool pcan,
                      std::span<uint16_t, kFeatures> features, Workspace& workspace) {
    State state;
    for (size_t t = 0; t < kFrames; ++t) {
      frame(std::span<const int16_t, kWindow>(clip.data() + t * kHop, kWindow), pcan, state,
            std::span<uint16_t, kChannels>(features.data() + t * kChannels, kChannels), workspace);
    }
  }

  /// Integer square root, rounded to nearest but for the largest root of each width.
  static constexpr uint32_t rounded_root(uint64_t x) {
    if (x >> 32 == 0) return root<uint32_t>(static_cast<uint32_t>(x), 0xffff);
    return static_cast<uint32_t>(root<uint64_t>(x, 0xffffffff));
  }

  /// 2^6 ln(x) rounded, 0 for x <= 1; log2 by a table of 128 segments, in 16 fraction bits.
  static constexpr uint32_t scaled_logarithm(uint32_t x) {
    if (x <= 1) return 0;
    const int whole = std::bit_width(x) - 1;
    const uint32_t above = x - (uint32_t{1} << whole);
    const uint32_t fraction = whole < 16 ? above << (16 - whole) : above >> (whole - 16);
    const uint32_t segment = fraction >> 9;
    const int32_t begin = kLogTable[segment];
    const int32_t rise = kLogTable[segment + 1] - begin;
    // The slope is taken over 2^16, not over the segment's 2^9: the original has it so.
    const int32_t correction = begin + ((rise * static_cast<int32_t>(fraction & 511)) >> 16);
    const uint32_t log2 =
        (static_cast<uint32_t>(whole) << 16) + fraction + static_cast<uint32_t>(correction);
    constexpr uint64_t kLn2Q16 = 45426;
    const auto natural = static_cast<uint32_t>((kLn2Q16 * log2 + 32768) >> 16);
    return ((natural << 6) + 32768) >> 16;
  }

 private:
  static constexpr int kNoiseBits = 14;      // Fraction bits of the smoothing factors.
  static constexpr int kSmoothingBits = 10;  // Fraction bits of the noise estimate.
  // The FFT loses 9 bits, half of them as amplitude; the weights' 12 bits give 6 back after the
  // root.
  static constexpr int kCorrectionBits = 9 - micro_tables::kWeightBits / 2;
  static constexpr int kGainBits = 21;
  static constexpr int kSnrBits = 12;
  static constexpr int kPcanOutputBits = 6;

  static constexpr std::array<int16_t, kWindow> kCoefficients =
      micro_tables::make_window<kWindow>();
  static constexpr auto kBank = micro_tables::make_filter_bank<kChannels, Fft::kBins>(
      kSampleRate, 125.0f, micro_tables::kHighMel);
  static constexpr micro_tables::GainTable kGains = micro_tables::make_gain_table();
  static constexpr std::array<uint16_t, 130> kLogTable = micro_tables::make_log_table();

  // Windows the samples and shifts them up to use all 16 bits; returns the shift.
  static int window_and_scale(std::span<const int16_t, kWindow> samples,
                              std::span<int16_t, Fft::kSize> frame) {
    int16_t largest = 0;
    for (size_t i = 0; i < kWindow; ++i) {
      const auto value =
          static_cast<int16_t>((samples[i] * kCoefficients[i]) >> micro_tables::kWeightBits);
      frame[i] = value;
      // -32768 has no 16-bit magnitude: it wraps and does not count.
      const auto magnitude = static_cast<int16_t>(value < 0 ? -value : value);
      if (magnitude > largest) largest = magnitude;
    }
    const int shift = 15 - std::bit_width(static_cast<uint16_t>(largest));
    for (size_t i = 0; i < kWindow; ++i) {
      frame[i] = static_cast<int16_t>(static_cast<uint16_t>(frame[i]) << shift);
    }
    for (size_t i = kWindow; i < Fft::kSize; ++i) frame[i] = 0;
    return shift;
  }

  static void mel_amplitudes(std::span<const ComplexQ15, Fft::kBins> spectrum, int shift,
                             std::span<uint32_t, kChannels> out) {
    uint64_t carried = 0;  // From the slice below, the falling side of the channel's triangle.
    for (size_t slice = 0; slice <= kChannels; ++slice) {
      uint64_t weighted = carried;
      uint64_t unweighted = 0;
      for (size_t bin = kBank.slice_begin[slice]; bin < kBank.slice_begin[slice + 1]; ++bin) {
        const int32_t real = spectrum[bin].real;
        const int32_t imaginary = spectrum[bin].imaginary;
        const auto energy = static_cast<uint64_t>(real * real + imaginary * imaginary);
        weighted += energy * static_cast<uint64_t>(kBank.weight[bin]);
        unweighted += energy * static_cast<uint64_t>(kBank.unweight[bin]);
      }
      if (slice > 0) out[slice - 1] = rounded_root(weighted) >> shift;
      carried = unweighted;
    }
  }

  // Subtracts a running estimate of the noise (smoothing 0.025 and 0.06 in turn), keeping at least
  // 0.05 of the signal.
  static uint32_t reduce_noise(uint32_t signal, bool odd_channel, uint32_t& noise) {
    constexpr uint32_t kEven = 409, kOdd = 983, kRemaining = 819;  // In Q14, truncated.
    const uint32_t smoothing = odd_channel ? kOdd : kEven;
    const uint32_t scaled = signal << kSmoothingBits;
    noise = static_cast<uint32_t>(
        (uint64_t{scaled} * smoothing + uint64_t{noise} * ((1u << kNoiseBits) - smoothing)) >>
        kNoiseBits);
    const uint32_t taken = noise < scaled ? noise : scaled;
    const uint32_t left = (scaled - taken) >> kSmoothingBits;
    const auto least = static_cast<uint32_t>((uint64_t{signal} * kRemaining) >> kNoiseBits);
    return left > least ? left : least;
  }

  static uint32_t normalize_amplitude(uint32_t signal, uint32_t noise) {
    constexpr int kShift = kGainBits - kCorrectionBits - kSnrBits;
    const auto gain = static_cast<uint32_t>(wide_dynamic_gain(noise));
    const auto ratio = static_cast<uint32_t>((uint64_t{signal} * gain) >> kShift);
    // A parabola below a ratio of 2, its tangent above.
    if (ratio < (2u << kSnrBits)) return (ratio * ratio) >> (2 + 2 * kSnrBits - kPcanOutputBits);
    return (ratio >> (kSnrBits - kPcanOutputBits)) - (1u << kPcanOutputBits);
  }

  static int16_t wide_dynamic_gain(uint32_t x) {
    if (x <= 2) return kGains[x];
    const int interval = std::bit_width(x);
    const int16_t* entry = kGains.data() + (4 * interval - 6);
    const uint32_t aligned = interval < 11 ? x << (11 - interval) : x >> (interval - 11);
    const auto fraction = static_cast<int32_t>(aligned & 0x3ff);
    int32_t value = ((entry[2] * fraction) >> 5) + entry[1] * 32;
    value = (value * fraction + (1 << 14)) >> 15;
    return static_cast<int16_t>(value + entry[0]);
  }

  template <class Unsigned>
  static constexpr Unsigned root(Unsigned x, Unsigned largest) {
    if (x == 0) return 0;
    // One result bit a step, from the highest even bit of x downwards.
    Unsigned result = 0;
    for (Unsigned bit = Unsigned{1} << ((std::bit_width(x) - 1) & ~1); bit != 0; bit >>= 2) {
      const bool set = x >= result + bit;
      x -= set ? result + bit : 0;
      result = (result >> 1) + (set ? bit : 0);
    }
    return result + (x > result && result != largest ? 1 : 0);
  }
};

}  // namespace coppice::audio
