#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/train/fit.h"

namespace coppice::train {

/// Everything that training needs to go on as if it had never stopped.
struct Checkpoint {
  std::string fingerprint;  ///< Of options, graph, initial weights and dataset.
  int64_t steps = 0;        ///< Of the optimizer.
  FitReport report;         ///< Epochs so far, and the best of them.
  bool settled = false;     ///< The best epoch is one after the hook's last change.
  std::string hook;         ///< TrainingHook::state().
  std::vector<float> values, best_values, first, second;
  std::vector<uint8_t> mask;  ///< As the parameter store has it.
};

/// Written whole or not at all: a safetensors container with the scalars as JSON in its metadata.
Status save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path);

/// Reads a checkpoint back; a damaged file, or one with another fingerprint, is an error that says
/// so.
Result<Checkpoint> load_checkpoint(const std::filesystem::path& path,
                                   const std::string& fingerprint);

/// What must be equal for a checkpoint to be resumed.
std::string fingerprint_of(const Graph& graph, const data::Dataset& dataset,
                           const TrainOptions& options);

}  // namespace coppice::train
