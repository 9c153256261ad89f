#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "coppice/data/dataset.h"

namespace coppice::data {

/// Which file is which sample of a speech dataset.
struct SpeechIndex {
  struct Clip {
    std::filesystem::path path;
    int label = 0;
  };
  std::vector<std::string> class_names;
  std::array<std::vector<Clip>, 3> clips;  ///< For each split, class by class.
  std::array<int, 3> silence_slices{};     ///< Slices of background noise, behind the clips.
  std::vector<std::filesystem::path> backgrounds;  ///< Tracks of background noise.
};

/// Lists the folders of `config.path`, splits the clips and chooses unknown and silence clips.
Result<SpeechIndex> index_speech(const DatasetConfig& config, std::vector<SkippedFile>& skipped);

}  // namespace coppice::data
