#pragma once

#include <string>
#include <string_view>

#include "coppice/graph/graph.h"

namespace coppice::io {

/// The graph without its parameter values as JSON text, as stored in a model file. A name that is
/// not UTF-8 is an error.
Result<std::string> graph_to_json(const Graph& graph);

/// Rebuilds tensors, nodes and parameters without values from graph_to_json's output. A mask that
/// is still to be read has one element. Errors carry the JSON pointer.
Result<Graph> graph_from_json(std::string_view text);

/// Builds a model written by hand as layers (docs/models.md):
/// {"name", "input": [H, W, C], "layers": [{"op": "conv2d", "name"?, "inputs"?: ["layer", ...],
///  "out_channels": 8, "kernel": [10, 8], "stride": 2, "padding": "same"|"valid"|[t, b, l, r],
///  "bias": true, ...}, ...], "output"?, "class_names"?}. Without "inputs" a layer reads the one
/// before it; "input" names the graph's input. Comments are allowed. Fresh weights come from
/// `seed`. Unknown keys, a layer that nothing reads and shapes that do not fit are errors; they
/// carry the JSON pointer.
Result<Graph> graph_from_layers(std::string_view text, uint64_t seed);

}  // namespace coppice::io
