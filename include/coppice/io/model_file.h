#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "coppice/graph/graph.h"

namespace coppice::io {

/// A graph as a self-describing file: a safetensors container whose `__metadata__` holds the graph
/// as JSON (key "coppice.graph"); weights as F32 (named "node.weight"), masks as U8
/// ("node.weight.mask"), integers as I8 or I32, below 8 bits packed in U8
/// ("node.weight.quantized"), scales as F32 ("node.weight.scale"). docs/models.md has the details.
/// A graph that does not validate, or that holds a pruned value that is not zero, is an error.
Result<std::string> model_to_bytes(const Graph& graph);

/// The graph of model_to_bytes, bit for bit. Anything else is an error that says what is wrong.
Result<Graph> model_from_bytes(std::string_view bytes);

/// Writes model_to_bytes to a file, atomically. Errors name the path.
Status save_model(const Graph& graph, const std::filesystem::path& path);

/// Reads what save_model wrote. Errors name the path: a truncated or foreign file (kCorrupt), a
/// safetensors file without a graph (kUnsupported), or none (kNotFound).
Result<Graph> load_model(const std::filesystem::path& path);

}  // namespace coppice::io
