#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice::train {

/// Weights that share a value: w[i] = sign[i] * value[shared[i]].
struct SharedLayer {
  size_t node = 0;
  std::vector<int> shared;   ///< By element; -1: a weight of its own.
  std::vector<float> signs;  ///< By element, 1 or -1.
  int values = 0;            ///< Distinct shared values.
};

/// Sets each shared value to the mean of sign * w over its weights (the nearest point in least
/// squares) and writes it to them. `weights` are those of the layer.
void project(const SharedLayer& layer, float* weights);
void project(Graph& graph, const std::vector<SharedLayer>& layers);

/// What identifies which weights share which value, in a checkpoint.
std::string fingerprint_of(const SharedLayer& layer);

/// The sharing that the weights of a quantized graph show: kept weights of one magnitude. (Folding
/// a batch norm scales each channel: from a layer's codebook it makes one for each channel.) Layers
/// of which fewer than a twentieth of the kept weights repeat another's magnitude share
/// nothing but by chance, and those whose weights are just what their integers stand for have no
/// values of their own; both are left out.
std::vector<SharedLayer> find_shared(const Graph& quantized);

}  // namespace coppice::train
