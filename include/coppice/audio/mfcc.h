#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "coppice/audio/dct.h"
#include "coppice/audio/fft.h"
#include "coppice/audio/maths.h"
#include "coppice/audio/mel.h"
#include "coppice/audio/window.h"

namespace coppice::audio {

/// Mel-frequency cepstral coefficients as the MLPerf Tiny keyword spotting benchmark computes them
/// (Banbury et al., "MLPerf Tiny Benchmark", 2021): the clip divided by its largest sample;
/// 480-point Hann window every 320 samples, magnitude of a 512-point transform, 40 HTK mel bands
/// from 20 to 4000 Hz, ln(. + 1e-6), DCT-II, first 10 coefficients. 16 kHz, 1 s: [49 frames, 10,
/// 1].
class Mfcc {
 public:
  static constexpr int kSampleRate = 16000;
  static constexpr int kClipSamples = 16000;
  static constexpr int kWindow = 480;
  static constexpr int kHop = 320;
  static constexpr int kFrames = frame_count(kClipSamples, kWindow, kHop);
  static constexpr int kCoefficients = 10;
  static constexpr int kFeatures = kFrames * kCoefficients;

  using Fft = RealFft<512>;
  using Bank = MelBank<MelSpec{MelStyle::kHtk, kSampleRate, Fft::kSize, 20, 4000, 40}>;

  /// Scratch, the caller's: 7 KB.
  struct Workspace {
    Fft::Workspace fft;
    std::array<float, Fft::kSize> frame;
    std::array<float, static_cast<size_t>(Bank::end_bin())> magnitude;
    std::array<float, Bank::kBands> mel;
  };

  /// One frame: `samples` times `scale` in, ten coefficients out.
  static void frame(std::span<const float, kWindow> samples, float scale,
                    std::span<float, kCoefficients> out, Workspace& workspace) {
    for (size_t i = 0; i < kWindow; ++i) {
      workspace.frame[i] = samples[i] * scale * kHannWindow<kWindow>[i];
    }
    for (size_t i = kWindow; i < Fft::kSize; ++i) workspace.frame[i] = 0.0f;
    const auto spectrum = Fft::forward(workspace.frame, workspace.fft);
    for (size_t i = 0; i < workspace.magnitude.size(); ++i) {
      workspace.magnitude[i] = square_root(spectrum.real[i] * spectrum.real[i] +
                                           spectrum.imaginary[i] * spectrum.imaginary[i]);
    }
    Bank::apply(workspace.magnitude, workspace.mel);
    for (float& value : workspace.mel) value = natural_log(value + 1e-6f);
    CosineTransform<Bank::kBands, kCoefficients>::apply(workspace.mel, out);
  }

  /// A whole clip: features[frame * 10 + coefficient].
  static void compute(std::span<const float, kClipSamples> clip,
                      std::span<float, kFeatures> features, Workspace& workspace) {
    const float scale = clip_scale(clip);
    for (size_t t = 0; t < kFrames; ++t) {
      frame(std::span<const float, kWindow>(clip.data() + t * kHop, kWindow), scale,
            std::span<float, kCoefficients>(features.data() + t * kCoefficients, kCoefficients),
            workspace);
    }
  }

  /// 1 / the largest sample (not the largest magnitude: the benchmark has it so); 1 for a clip that
  /// never rises above zero.
  static float clip_scale(std::span<const float> clip) {
    float peak = 0.0f;
    for (float sample : clip) peak = sample > peak ? sample : peak;
    return peak > 0.0f ? 1.0f / peak : 1.0f;
  }
};

}  // namespace coppice::audio
