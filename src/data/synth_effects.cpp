#include "data/synth_effects.h"

#include <cmath>

#include "data/clip.h"

namespace coppice::data {
namespace {

constexpr float kTwoPi = 6.28318531f;

void scale_to_unit(std::vector<float>& sound) {
  const float level = rms(sound);
  if (level > 0) {
    for (float& sample : sound) sample /= level;
  }
}

// Paul Kellet's filter: three poles whose sum falls by 3 dB an octave within 0.5 dB.
void filter_pink(std::vector<float>& noise) {
  float slow = 0, middle = 0, fast = 0;
  for (float& sample : noise) {
    slow = 0.99765f * slow + 0.0990460f * sample;
    middle = 0.96300f * middle + 0.2965164f * sample;
    fast = 0.57000f * fast + 1.0526913f * sample;
    sample = slow + middle + fast + 0.1848f * sample;
  }
}

void filter_brown(std::vector<float>& noise) {
  float sum = 0;
  for (float& sample : noise) {
    sum = 0.995f * sum + sample;
    sample = sum;
  }
}

void add_hum(std::vector<float>& noise, Random& random) {
  const float frequency = 50.0f * random.uniform(0.995f, 1.005f);
  for (const int harmonic : {1, 2, 3, 5, 7, 9}) {
    const float amplitude = random.uniform(4.0f, 8.0f) / static_cast<float>(harmonic);
    const float phase = random.uniform(0, kTwoPi);
    const double step = static_cast<double>(kTwoPi) * frequency * harmonic / kClipRate;
    for (size_t i = 0; i < noise.size(); ++i) {
      noise[i] += amplitude * static_cast<float>(std::sin(step * static_cast<double>(i) + phase));
    }
  }
}

}  // namespace

float rms(std::span<const float> sound) {
  double energy = 0;
  for (const float sample : sound) energy += static_cast<double>(sample) * sample;
  return sound.empty() ? 0.0f
                       : static_cast<float>(std::sqrt(energy / static_cast<double>(sound.size())));
}

std::vector<float> make_noise(std::string_view kind, size_t samples, Random& random) {
  std::vector<float> noise(samples);
  for (float& sample : noise) sample = random.normal();
  if (kind == "pink") filter_pink(noise);
  if (kind == "brown") filter_brown(noise);
  if (kind == "hum") add_hum(noise, random);
  scale_to_unit(noise);
  return noise;
}

void reverberate(std::span<float> sound, float decay_seconds, float wet, Random& random) {
  constexpr int kEchoesPerSecond = 1000;
  const std::vector<float> dry(sound.begin(), sound.end());
  const int echoes = static_cast<int>(decay_seconds * kEchoesPerSecond);
  const uint32_t grid = kClipRate / kEchoesPerSecond;
  std::vector<float> reflected(sound.size(), 0.0f);
  float energy = 0;
  for (int echo = 1; echo < echoes; ++echo) {
    const size_t delay = static_cast<size_t>(echo) * grid + random.below(grid);
    const float seconds = static_cast<float>(delay) / kClipRate;
    const float size = std::pow(10.0f, -3.0f * seconds / decay_seconds);
    const float gain = random.below(2) == 0 ? size : -size;
    energy += gain * gain;
    for (size_t i = delay; i < sound.size(); ++i) reflected[i] += gain * dry[i - delay];
  }
  if (energy <= 0) return;
  const float gain = std::sqrt(wet / energy);
  for (size_t i = 0; i < sound.size(); ++i) sound[i] += gain * reflected[i];
}

}  // namespace coppice::data
