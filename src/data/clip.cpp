#include "data/clip.h"

#include <algorithm>
#include <cmath>

#include "coppice/io/audio_file.h"

namespace coppice::data {
namespace {

// out[i] = in(centre + (i - shift - centre) * speed), interpolated linearly; zeros outside.
void warp(std::span<float> clip, float shift, float speed) {
  const std::vector<float> in(clip.begin(), clip.end());
  const float centre = static_cast<float>(clip.size()) / 2;
  const float last = static_cast<float>(clip.size() - 1);
  for (size_t i = 0; i < clip.size(); ++i) {
    const float position = centre + (static_cast<float>(i) - shift - centre) * speed;
    if (!(position >= 0.0f && position <= last)) {
      clip[i] = 0.0f;
      continue;
    }
    const auto before = static_cast<size_t>(position);
    const float part = position - static_cast<float>(before);
    const float next = before + 1 < in.size() ? in[before + 1] : 0.0f;
    clip[i] = in[before] + part * (next - in[before]);
  }
}

void silence_stretch(std::span<float> clip, float longest_ms, Random& random) {
  const auto longest = std::min(static_cast<float>(clip.size()), longest_ms * kClipRate / 1000);
  const auto length = static_cast<uint32_t>(random.uniform(0, longest));
  const uint32_t begin = random.below(static_cast<uint32_t>(clip.size()) - length + 1);
  std::fill_n(clip.begin() + begin, length, 0.0f);
}

}  // namespace

Result<Pcm> read_pcm(const std::filesystem::path& path, bool resample) {
  COPPICE_TRY(auto clip, io::read_wav(path, resample ? 0 : kClipRate));
  if (clip.rate != kClipRate) {
    COPPICE_TRY(clip.samples, io::resample(clip.samples, clip.rate, kClipRate));
  }
  return io::to_pcm16(clip.samples);
}

Pcm fit_to_second(Pcm pcm) {
  if (pcm.size() < kClipSamples) {
    const size_t before = (kClipSamples - pcm.size()) / 2;
    pcm.insert(pcm.begin(), before, 0);
    pcm.resize(kClipSamples, 0);
    return pcm;
  }
  const auto square = [](int16_t sample) { return int64_t{sample} * sample; };
  int64_t energy = 0;
  for (size_t i = 0; i < kClipSamples; ++i) energy += square(pcm[i]);
  int64_t largest = energy;
  size_t begin = 0;
  for (size_t end = kClipSamples; end < pcm.size(); ++end) {
    energy += square(pcm[end]) - square(pcm[end - kClipSamples]);
    if (energy > largest) {
      largest = energy;
      begin = end - kClipSamples + 1;
    }
  }
  const auto first = pcm.begin() + static_cast<ptrdiff_t>(begin);
  return Pcm(first, first + kClipSamples);
}

BackgroundTrack::BackgroundTrack(Pcm pcm) : pcm_(std::move(pcm)) {
  const size_t size = pcm_.size();
  for (size_t i = 0; size > 0 && pcm_.size() < kClipSamples; ++i) pcm_.push_back(pcm_[i % size]);
  pcm_.resize(std::max(pcm_.size(), kClipSamples), 0);
}

std::span<const int16_t> BackgroundTrack::slice(Split split, Random& random) const {
  const size_t eighty = pcm_.size() * 8 / 10, ninety = pcm_.size() * 9 / 10;
  size_t begin = split == Split::kTrain ? 0 : split == Split::kValidation ? eighty : ninety;
  size_t end = split == Split::kTrain ? eighty : split == Split::kValidation ? ninety : pcm_.size();
  if (end - begin < kClipSamples) begin = 0, end = pcm_.size();
  const auto choices = static_cast<uint32_t>(end - begin - kClipSamples + 1);
  return std::span(pcm_).subspan(begin + random.below(choices), kClipSamples);
}

void augment_clip(std::span<float> clip, const DatasetConfig& config,
                  std::span<const BackgroundTrack> backgrounds, Random& random) {
  const float largest_shift = config.time_shift_ms * kClipRate / 1000;
  const float shift = std::round(random.uniform(-largest_shift, largest_shift));
  const float speed = 1.0f + random.uniform(-config.speed_change, config.speed_change);
  if (shift != 0.0f || speed != 1.0f) warp(clip, shift, speed);

  const float gain = std::pow(10.0f, random.uniform(-config.gain_db, config.gain_db) / 20);
  const float tilt = random.uniform(-config.spectral_tilt, config.spectral_tilt);
  float previous = 0.0f;
  for (float& sample : clip) {
    const float current = sample;
    sample = gain * (current + tilt * previous);
    previous = current;
  }
  if (config.time_mask_ms > 0) silence_stretch(clip, config.time_mask_ms, random);

  const bool mixed = random.uniform() < config.background_probability;
  if (mixed && !backgrounds.empty()) {
    const auto& track = backgrounds[random.below(static_cast<uint32_t>(backgrounds.size()))];
    const float volume = random.uniform(0, config.background_volume) / 32768.0f;
    const auto noise = track.slice(Split::kTrain, random);
    for (size_t i = 0; i < clip.size(); ++i) clip[i] += volume * static_cast<float>(noise[i]);
  }
  for (float& sample : clip) sample = std::clamp(sample, -1.0f, 32767.0f / 32768.0f);
}

}  // namespace coppice::data
