#pragma once

#include <string>

#include "coppice/core/result.h"
#include "coppice/graph/graph.h"

namespace coppice::bench {

/// A prepared graph as the bytes of an ONNX model (operator set 13), batch 1, NCHW, input "input"
/// and output "output". A quantized graph becomes a QDQ model, the form that ONNX Runtime fuses
/// into integer operators: uint8 activations (int8 + 128), int8 weights with a scale for each
/// channel.
Result<std::string> write_onnx_model(const Graph& graph);

}  // namespace coppice::bench
