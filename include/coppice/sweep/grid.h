#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coppice/sweep/config.h"

namespace coppice::sweep {

/// One step of a trial that is switched on.
struct TrialStep {
  std::string name;
  Json options;      ///< Every field, single values.
  size_t index = 0;  ///< Its place in the config's steps.
  std::string
      key;  ///< Hash of all that decides the model after this step: equal keys, equal models.
};

/// One point of the grid with one seed.
struct Trial {
  std::string id;  ///< First 16 hex digits of the SHA-256 of the canonical config of the trial.
  uint64_t seed = 0;
  Json dataset;
  Json model;
  std::vector<TrialStep> steps;
  std::string initial_key;  ///< The key before the first step.
  /// Pointer and value of each swept setting. Of a step that is switched off, only the value that
  /// switches it off; its other settings are null.
  std::vector<std::pair<std::string, Json>> swept;

  /// The canonical form that the id is the hash of.
  Json canonical() const;
};

/// Expands the grid: seeds outermost, then the swept settings in the order of the text, the last
/// one fastest. A step that is switched off leaves the trial together with its settings; points
/// that then say the same are one trial, the first. A model file counts by its content.
Result<std::vector<Trial>> expand(const Config& config);

/// First `digits` hexadecimal digits of the SHA-256 of `text`.
std::string sha256_hex(std::string_view text, size_t digits = 64);

}  // namespace coppice::sweep
