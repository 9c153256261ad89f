#pragma once

#include <vector>

#include "coppice/quant/calibration.h"
#include "coppice/quant/quantize.h"

// The steps of post-training quantization, each on its own: quantize() puts them in order. A graph
// is fused (fuse_for_inference) throughout.

namespace coppice::quant {

/// Gives each tensor its quantization; tensors of a sharing group get one that spans all of them.
/// Input and output keep 8 bits.
Status quantize_activations(Graph& fused, const std::vector<Range>& ranges,
                            const ActivationFormat& format);

/// Sets the integers of all weights and biases, to the nearest ones. `formats` by node.
void quantize_parameters(Graph& graph, const std::vector<WeightFormat>& formats, bool per_channel,
                         WeightScale method);

}  // namespace coppice::quant
