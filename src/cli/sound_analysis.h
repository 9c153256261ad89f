#pragma once

#include <span>
#include <vector>

namespace coppice::cli {

/// Values over time and one other axis, a column for each moment.
struct TimeImage {
  int rows = 0;               ///< Bins, bands or coefficients.
  double first_s = 0;         ///< Time of the first column's middle.
  double step_s = 0;          ///< Time between columns.
  std::vector<float> values;  ///< values[column * rows + row].

  int columns() const { return rows == 0 ? 0 : static_cast<int>(values.size()) / rows; }
};

/// Lowest and highest sample of one stretch of the clip.
struct Envelope {
  double time_s;
  float low;
  float high;
};

/// What the figure of `coppice features` shows of a clip at 16 kHz, of any length.
struct SoundAnalysis {
  double seconds = 0;
  std::vector<Envelope> waveform;  ///< About 800 points, or each sample.
  std::vector<float> spectrum_db;  ///< Mean power by bin, 0 .. 8 kHz, dB of a full-scale sine.
  TimeImage spectrogram_db;        ///< 257 bins of 31.25 Hz, dB of a full-scale sine.
  TimeImage mel_db;                ///< LogMel's bands, dB.
  TimeImage mfcc;                  ///< Mfcc's coefficients.
  TimeImage micro;                 ///< Micro's channels, as the network sees them.
};

SoundAnalysis analyse_sound(std::span<const float> clip, bool pcan);

}  // namespace coppice::cli
