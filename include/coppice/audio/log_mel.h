#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "coppice/audio/fft.h"
#include "coppice/audio/maths.h"
#include "coppice/audio/mel.h"
#include "coppice/audio/window.h"

namespace coppice::audio {

/// Log-mel spectrogram of the STM32F7 keyword spotting study (Wang and Li, arXiv 2208.02765):
/// 1024-point Hann window every 512 samples, power spectrum, 40 Slaney mel bands over 0 .. 8 kHz,
/// decibels with a floor at -80 dB, then the mean of the clip subtracted and its standard deviation
/// divided out. 16 kHz, 1 s: [40 bands, 30 frames, 1], frequency first, as cnn_one_fstride4 takes
/// it.
class LogMel {
 public:
  static constexpr int kSampleRate = 16000;
  static constexpr int kClipSamples = 16000;
  static constexpr int kWindow = 1024;
  static constexpr int kHop = 512;
  static constexpr int kFrames = frame_count(kClipSamples, kWindow, kHop);
  static constexpr int kBands = 40;
  static constexpr int kFeatures = kFrames * kBands;
  static constexpr float kFloorPower = 1e-8f;  ///< -80 dB.

  using Fft = RealFft<kWindow>;
  using Bank = MelBank<MelSpec{MelStyle::kSlaney, kSampleRate, kWindow, 0, 8000, kBands}>;

  /// Scratch, the caller's: 15 KB.
  struct Workspace {
    Fft::Workspace fft;
    std::array<float, kWindow> frame;
    std::array<float, static_cast<size_t>(Bank::end_bin())> power;
  };

  /// One frame in, its bands in dB (>= -80) out.
  static void frame(std::span<const float, kWindow> samples, std::span<float, kBands> out,
                    Workspace& workspace) {
    for (size_t i = 0; i < kWindow; ++i) workspace.frame[i] = samples[i] * kHannWindow<kWindow>[i];
    const auto spectrum = Fft::forward(workspace.frame, workspace.fft);
    for (size_t i = 0; i < workspace.power.size(); ++i) {
      workspace.power[i] =
          spectrum.real[i] * spectrum.real[i] + spectrum.imaginary[i] * spectrum.imaginary[i];
    }
    Bank::apply(workspace.power, out);
    constexpr float kDecibels = 4.3429448190325183f;  // 10 / ln 10
    for (float& band : out) {
      band = kDecibels * natural_log(band > kFloorPower ? band : kFloorPower);
    }
  }

  /// A whole clip: features[band * 30 + frame], mean 0 and standard deviation 1 over the clip; all
  /// zero for a clip of one level, such as silence.
  static void compute(std::span<const float, kClipSamples> clip,
                      std::span<float, kFeatures> features, Workspace& workspace) {
    std::array<float, kBands> bands;
    for (size_t t = 0; t < kFrames; ++t) {
      frame(std::span<const float, kWindow>(clip.data() + t * kHop, kWindow), bands, workspace);
      for (size_t band = 0; band < kBands; ++band) features[band * kFrames + t] = bands[band];
    }
    normalize(features);
  }

  /// Subtracts the mean and divides by the (population) standard deviation.
  static void normalize(std::span<float> values) {
    const auto count = static_cast<float>(values.size());
    float sum = 0.0f;
    for (float value : values) sum += value;
    const float mean = sum / count;
    float squares = 0.0f;
    for (float value : values) squares += (value - mean) * (value - mean);
    const float deviation = square_root(squares / count);
    // Levels that differ by less than a float's rounding of 80 dB are equal.
    const float scale = deviation > 1e-4f ? 1.0f / deviation : 0.0f;
    for (float& value : values) value = (value - mean) * scale;
  }
};

}  // namespace coppice::audio
