#pragma once

#include <filesystem>

#include "coppice/graph/graph.h"

namespace coppice::io {

/// Writes a self-describing model: a safetensors container whose `__metadata__` holds the graph as
/// JSON (key "coppice.graph"); weights as F32 (named "node.weight"), masks as U8 ("node.weight.mask"),
/// integers as I8 (packed below 8 bits: U8) or I32 ("node.weight.quantized"), scales as F32.
Status save_model(const Graph& graph, const std::filesystem::path& path);

/// Reads what save_model wrote. A truncated or foreign file is an error that says what is wrong.
Result<Graph> load_model(const std::filesystem::path& path);

}  // namespace coppice::io
