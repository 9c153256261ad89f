#pragma once

#include <cstdint>
#include <string_view>

#include "coppice/graph/graph.h"

namespace coppice {

/// How a layer's weights are stored.
struct WeightStorage {
  std::string_view format = "";  ///< As sparse/choose.h names it; empty: the layer has no weights.
  int64_t bytes = 0;             ///< Values and indices.
};

/// The smallest of the formats of sparse/choose.h for a node's weights, zeros as its mask or its
/// integers have them. "dense" is stored_bytes(weight): integers of 4 and 2 bits are packed there,
/// in the other formats they take a byte.
WeightStorage smallest_storage(const Node& node);

/// Cost::flash_bytes with each layer's weights in their smallest storage. The loops of
/// sparse/conv2d.h run each of these formats; firmware of deploy/generate.h is dense.
int64_t smallest_storage_bytes(const Graph& graph);

}  // namespace coppice
