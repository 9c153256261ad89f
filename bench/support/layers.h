#pragma once

#include <string>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice::bench {

/// One layer of a network as a graph of its own.
struct LayerWorkload {
  std::string name;         ///< "ds_cnn/pointwise_2".
  std::string description;  ///< "conv2d 1x1, 25x5x64 -> 25x5x64".
  Graph graph;
};

/// The layers with weights and the pools of a workload, each shape once, under the name of the
/// first that has it.
std::vector<LayerWorkload> layers_of(const Graph& workload);

/// Float layers by which sparse and low-bit kernels are judged, beside those of the zoo: the sizes
/// that the literature on small networks compares.
std::vector<LayerWorkload> standard_layers();

}  // namespace coppice::bench
