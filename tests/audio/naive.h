#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <vector>

#include "coppice/audio/maths.h"

/// Slow, plain, double-precision counterparts of the audio code, to test against.
namespace coppice::testing {

inline constexpr double kEpsilon = std::numeric_limits<float>::epsilon();

/// Deterministic noise in [-1, 1).
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed) {}
  float operator()() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<int32_t>(state_ >> 32)) / 2147483648.0f;
  }

 private:
  uint64_t state_;
};

/// X[k] for k = 0 .. N/2, by the definition.
inline std::vector<std::complex<double>> naive_dft(const std::vector<double>& x) {
  const size_t n = x.size();
  std::vector<std::complex<double>> roots(n);
  for (size_t i = 0; i < n; ++i) {
    const double angle = -2 * audio::kPi * static_cast<double>(i) / static_cast<double>(n);
    roots[i] = {std::cos(angle), std::sin(angle)};
  }
  std::vector<std::complex<double>> result(n / 2 + 1);
  for (size_t k = 0; k < result.size(); ++k) {
    for (size_t i = 0; i < n; ++i) result[k] += x[i] * roots[i * k % n];
  }
  return result;
}

/// Largest error of a float transform of these points: 4 log2(N) epsilon ||X||_2 by Higham, and
/// epsilon for a rounded window.
inline double fft_error_bound(const std::vector<double>& x) {
  double squares = 0;
  for (double value : x) squares += value * value;
  const auto n = static_cast<double>(x.size());
  return (4 * std::log2(n) + 1) * kEpsilon * std::sqrt(n * squares);
}

/// A frame under a periodic Hann window of `window` points, padded with zeros to `size`.
inline std::vector<double> hann_frame(const std::vector<float>& clip, size_t begin, size_t window,
                                      size_t size, double scale = 1.0) {
  std::vector<double> frame(size, 0.0);
  for (size_t i = 0; i < window; ++i) {
    const double angle = 2 * audio::kPi * static_cast<double>(i) / static_cast<double>(window);
    frame[i] = scale * clip[begin + i] * (0.5 - 0.5 * std::cos(angle));
  }
  return frame;
}

/// One second at 16 kHz: a rising tone, a steady one and noise that comes and goes.
inline std::vector<float> synthetic_clip(uint64_t seed) {
  std::vector<float> clip(16000);
  Noise noise(seed);
  for (size_t i = 0; i < clip.size(); ++i) {
    const double t = static_cast<double>(i) / 16000;
    const double rising = 0.4 * std::sin(2 * audio::kPi * (200 * t + 1500 * t * t));
    const double steady = 0.2 * std::sin(2 * audio::kPi * 3100 * t + static_cast<double>(seed));
    const double loud = (i / 2500) % 2 == 0 ? 0.1 : 0.03;
    clip[i] = static_cast<float>(rising + steady + loud * noise());
  }
  return clip;
}

}  // namespace coppice::testing
