#pragma once

#include <array>
#include <cstddef>

#include "coppice/audio/maths.h"

namespace coppice::audio {

/// Periodic Hann window of N points, 0.5 - 0.5 cos(2 pi i / N): what short-time transforms use
/// (the symmetric one divides by N - 1).
template <int N>
constexpr std::array<float, N> make_hann_window() {
  std::array<float, N> window{};
  for (int i = 0; i < N; ++i) {
    window[static_cast<size_t>(i)] = static_cast<float>(0.5 - 0.5 * cos_turn(i, N));
  }
  return window;
}

template <int N>
inline constexpr std::array<float, N> kHannWindow = make_hann_window<N>();

/// Frames of `window` samples, `hop` apart, that lie wholly inside a clip.
constexpr int frame_count(int samples, int window, int hop) {
  return samples < window ? 0 : 1 + (samples - window) / hop;
}

}  // namespace coppice::audio
