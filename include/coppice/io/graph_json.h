#pragma once

#include <nlohmann/json.hpp>

#include "coppice/graph/graph.h"

namespace coppice::io {

/// The graph without its parameter values, as stored in a model file.
nlohmann::ordered_json graph_to_json(const Graph& graph);

/// Rebuilds tensors, nodes and parameters without values from graph_to_json's output. A mask that
/// is still to be read has one element. Errors carry the JSON pointer.
Result<Graph> graph_from_json(const nlohmann::ordered_json& json);

/// Builds a model written by hand as layers (docs/models.md):
/// {"name", "input": [H, W, C], "layers": [{"op": "conv2d", "name"?, "inputs"?: ["layer", ...],
///  "out_channels": 8, "kernel": [10, 8], "stride": 2, "padding": "same"|"valid"|[t, b, l, r],
///  "bias": true, ...}, ...], "output"?, "class_names"?}. Without "inputs" a layer reads the one
/// before it; "input" names the graph's input. Fresh weights come from `seed`. Unknown keys, a
/// layer that nothing reads and shapes that do not fit are errors; they carry the JSON pointer.
Result<Graph> graph_from_layers(const nlohmann::ordered_json& json, uint64_t seed);

}  // namespace coppice::io
