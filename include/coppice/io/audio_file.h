#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "coppice/core/result.h"

namespace coppice::io {

/// One channel of sound.
struct AudioClip {
  std::vector<float> samples;  ///< Full scale is 1; a 16-bit file gives exactly sample / 32768.
  int rate = 0;                ///< Samples a second.

  double seconds() const { return rate == 0 ? 0.0 : static_cast<double>(samples.size()) / rate; }
};

/// What to do with a file of more than one channel.
enum class Channels {
  kMonoOnly,  ///< Refuse it.
  kMixDown,   ///< Take the mean of its channels.
};

/// Reads an audio file (WAV, and whatever else libsndfile knows). `expected_rate` in Hz, 0 for any.
/// Errors name the path and tell apart: a missing file, a folder, an empty file, a file that is
/// shorter than its header promises, a file without samples, a file that is not audio, another
/// sample rate, several channels, a sample that is not a finite number.
Result<AudioClip> read_wav(const std::filesystem::path& path, int expected_rate = 0,
                           Channels channels = Channels::kMonoOnly);

/// Writes a mono 16-bit PCM WAV file; parent folders are created. The same samples give the same
/// bytes.
Status write_wav(const std::filesystem::path& path, std::span<const int16_t> samples, int rate);

/// Changes the sample rate by band-limited interpolation (libsamplerate). The result has
/// round(n * to_rate / from_rate) samples, and repeats bit for bit.
Result<std::vector<float>> resample(std::span<const float> samples, int from_rate, int to_rate);

/// Rounds to 16 bits: the inverse of reading a 16-bit file; what lies outside [-1, 1) is clipped.
std::vector<int16_t> to_pcm16(std::span<const float> samples);

}  // namespace coppice::io
