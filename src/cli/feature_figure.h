#pragma once

#include <filesystem>
#include <string>

#include "cli/sound_analysis.h"
#include "coppice/core/result.h"

namespace coppice::cli {

/// A gnuplot script that draws waveform, spectrum, spectrogram, mel spectrogram, MFCC and micro
/// features on one sheet. The file's extension chooses the format: .png, .svg or .pdf.
Result<std::string> feature_figure_script(const SoundAnalysis& sound, const std::string& title,
                                          const std::filesystem::path& output);

}  // namespace coppice::cli
