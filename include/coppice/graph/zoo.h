#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice {

/// One architecture of the zoo.
struct ZooEntry {
  std::string_view name;
  std::string_view summary;  ///< One line with its source.
  Shape input;               ///< Default input shape.
  int classes;               ///< Default number of classes.
};

/// All architectures, in the order of the documentation.
const std::vector<ZooEntry>& zoo();

/// Builds an architecture with freshly initialized weights. An empty `input` or `classes` of 0
/// takes the entry's default. An unknown name is an error that lists the names.
Result<Graph> make_zoo_model(std::string_view arch, const Shape& input, int classes, uint64_t seed);

}  // namespace coppice
