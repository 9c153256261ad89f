#pragma once

#include <filesystem>
#include <vector>

#include "coppice/deploy/generate.h"
#include "deploy/golden.h"
#include "deploy/model_code.h"

namespace coppice::deploy {

/// What was written to a folder.
struct FirmwareProject {
  Graph graph;  ///< As deployed: batch norms folded, activations fused.
  std::vector<ModelLayer> layers;
  Golden golden;
};
Result<FirmwareProject> write_firmware(const Graph& graph, const Target& target,
                                       const std::filesystem::path& folder,
                                       const GenerateOptions& options);

}  // namespace coppice::deploy
