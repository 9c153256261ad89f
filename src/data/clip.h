#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/core/result.h"
#include "coppice/data/dataset.h"

namespace coppice::data {

constexpr int kClipRate = 16000;            ///< Samples a second.
constexpr size_t kClipSamples = kClipRate;  ///< One second.

using Pcm = std::vector<int16_t>;

/// Reads a mono file at 16 kHz; with `resample` any rate is taken and converted.
Result<Pcm> read_pcm(const std::filesystem::path& path, bool resample);

/// Makes a clip one second long: a shorter one is centred in zeros, a longer one is cut to the
/// second with the most energy (the first of equals).
Pcm fit_to_second(Pcm pcm);

/// A track of background noise and the part of it that each split may use.
class BackgroundTrack {
 public:
  /// Repeats a track shorter than a second until it fills one.
  explicit BackgroundTrack(Pcm pcm);

  /// One second of the split's part: the first 80 % for training, then 10 % each for validation and
  /// test; a split whose part is shorter than a second draws from the whole track.
  std::span<const int16_t> slice(Split split, Random& random) const;

 private:
  Pcm pcm_;
};

/// Varies a training clip (full scale 1) in place: speed and shift, level, spectral tilt, a
/// silenced stretch, background noise. `config` bounds each; see DatasetConfig.
void augment_clip(std::span<float> clip, const DatasetConfig& config,
                  std::span<const BackgroundTrack> backgrounds, Random& random);

}  // namespace coppice::data
