#pragma once

#include <nlohmann/json.hpp>

#include "coppice/graph/graph.h"

namespace coppice::io {

/// The graph without its parameter values, as stored in a model file.
nlohmann::ordered_json graph_to_json(const Graph& graph);

/// Rebuilds tensors, nodes and empty parameters (shapes, quantization) from graph_to_json's output.
Result<Graph> graph_from_json(const nlohmann::ordered_json& json);

/// Builds a model written by hand as layers:
/// {"name", "input": [H,W,C], "layers": [{"op": "conv2d", "name"?, "inputs"?: ["layer", ...],
///  "out_channels": 8, "kernel": [10, 8], "stride": [2, 2], "padding": "same"|"valid"|[t,b,l,r],
///  "bias": true, ...}, ...]}. Without "inputs" a layer reads the one before it; "input" names
/// the graph's input. Fresh weights come from `seed`. Errors carry the JSON pointer.
Result<Graph> graph_from_layers(const nlohmann::ordered_json& json, uint64_t seed);

}  // namespace coppice::io
