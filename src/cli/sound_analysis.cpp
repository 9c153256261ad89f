#include "cli/sound_analysis.h"

#include <algorithm>
#include <cmath>

#include "coppice/audio/log_mel.h"
#include "coppice/audio/mfcc.h"
#include "coppice/audio/micro.h"
#include "coppice/io/audio_file.h"

namespace coppice::cli {
namespace {

using audio::LogMel;
using audio::Mfcc;
using audio::Micro;

constexpr double kRate = 16000;
constexpr float kFloor = -120.0f;

std::vector<Envelope> envelope(std::span<const float> clip) {
  constexpr size_t kPoints = 800;
  const size_t stretch = std::max<size_t>(1, clip.size() / kPoints);
  std::vector<Envelope> result;
  for (size_t begin = 0; begin < clip.size(); begin += stretch) {
    const size_t end = std::min(clip.size(), begin + stretch);
    const auto [low, high] = std::minmax_element(clip.begin() + static_cast<std::ptrdiff_t>(begin),
                                                 clip.begin() + static_cast<std::ptrdiff_t>(end));
    result.push_back({static_cast<double>(begin + end) / 2 / kRate, *low, *high});
  }
  return result;
}

// Squared amplitude of each bin, 1 for a sine of full scale: a Hann window of N passes N/4 of it.
template <int N>
std::vector<float> frame_power(const float* samples) {
  typename audio::RealFft<N>::Workspace workspace;
  std::array<float, N> frame;
  for (size_t i = 0; i < N; ++i) frame[i] = samples[i] * audio::kHannWindow<N>[i];
  const auto spectrum = audio::RealFft<N>::forward(frame, workspace);
  std::vector<float> power(audio::RealFft<N>::kBins);
  constexpr float kScale = (4.0f / N) * (4.0f / N);
  for (size_t k = 0; k < power.size(); ++k) {
    power[k] = kScale * (spectrum.real[k] * spectrum.real[k] +
                         spectrum.imaginary[k] * spectrum.imaginary[k]);
  }
  return power;
}

float decibels(float power) { return std::max(kFloor, 10.0f * std::log10(power + 1e-20f)); }

// Welch's method: the mean over frames that overlap by half.
std::vector<float> mean_spectrum(std::span<const float> clip) {
  constexpr int kSize = 1024;
  const int frames = audio::frame_count(static_cast<int>(clip.size()), kSize, kSize / 2);
  std::vector<float> mean(kSize / 2 + 1, 0.0f);
  for (int t = 0; t < frames; ++t) {
    const auto power = frame_power<kSize>(clip.data() + t * (kSize / 2));
    for (size_t k = 0; k < mean.size(); ++k) mean[k] += power[k] / static_cast<float>(frames);
  }
  std::transform(mean.begin(), mean.end(), mean.begin(), decibels);
  return mean;
}

TimeImage spectrogram(std::span<const float> clip) {
  constexpr int kSize = 512;
  constexpr int kMostColumns = 500;
  const int hop = std::max(64, static_cast<int>(clip.size()) / kMostColumns);
  const int frames = audio::frame_count(static_cast<int>(clip.size()), kSize, hop);
  TimeImage image{kSize / 2 + 1, kSize / 2 / kRate, hop / kRate, {}};
  for (int t = 0; t < frames; ++t) {
    for (float power : frame_power<kSize>(clip.data() + t * hop)) {
      image.values.push_back(decibels(power));
    }
  }
  return image;
}

// The frames of a front end over the whole clip; compute(samples, out) makes one.
template <class Audio, int kRows, class Sample, class Compute>
TimeImage frames_of(std::span<const Sample> clip, Compute compute) {
  const int frames = audio::frame_count(static_cast<int>(clip.size()), Audio::kWindow, Audio::kHop);
  TimeImage image{kRows, Audio::kWindow / 2 / kRate, Audio::kHop / kRate, {}};
  image.values.resize(static_cast<size_t>(frames) * kRows);
  for (size_t t = 0; t < static_cast<size_t>(frames); ++t) {
    compute(std::span<const Sample, Audio::kWindow>(clip.data() + t * Audio::kHop, Audio::kWindow),
            std::span<float, kRows>(image.values.data() + t * kRows, kRows));
  }
  return image;
}

TimeImage micro_frames(std::span<const float> clip, bool pcan) {
  const auto samples = io::to_pcm16(clip);
  Micro::State state;
  Micro::Workspace workspace;
  return frames_of<Micro, Micro::kChannels>(
      std::span<const int16_t>(samples), [&](auto frame, auto out) {
        std::array<uint16_t, Micro::kChannels> integers;
        Micro::frame(frame, pcan, state, integers, workspace);
        for (size_t i = 0; i < integers.size(); ++i) {
          out[i] = static_cast<float>(integers[i]) * Micro::kInputScale;
        }
      });
}

}  // namespace

SoundAnalysis analyse_sound(std::span<const float> clip, bool pcan) {
  SoundAnalysis result;
  result.seconds = static_cast<double>(clip.size()) / kRate;
  result.waveform = envelope(clip);
  // Every frame length fits at least once.
  std::vector<float> padded(clip.begin(), clip.end());
  padded.resize(std::max<size_t>(clip.size(), LogMel::kWindow), 0.0f);
  const std::span<const float> whole(padded);
  result.spectrum_db = mean_spectrum(whole);
  result.spectrogram_db = spectrogram(whole);
  LogMel::Workspace mel_workspace;
  result.mel_db = frames_of<LogMel, LogMel::kBands>(
      whole, [&](auto frame, auto out) { LogMel::frame(frame, out, mel_workspace); });
  Mfcc::Workspace mfcc_workspace;
  const float scale = Mfcc::clip_scale(whole);
  result.mfcc = frames_of<Mfcc, Mfcc::kCoefficients>(
      whole, [&](auto frame, auto out) { Mfcc::frame(frame, scale, out, mfcc_workspace); });
  result.micro = micro_frames(whole, pcan);
  return result;
}

}  // namespace coppice::cli
