#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/graph/graph.h"

namespace coppice::prune {

/// A partition of a weight tensor: elements of one group are kept or removed together.
struct Groups {
  int64_t count = 0;
  std::vector<int64_t> group_of;  ///< By element, row-major.
};

/// What is removed together.
class Granularity {
 public:
  virtual ~Granularity() = default;
  virtual Groups partition(const Node& node, const Parameter& weight) const = 0;
};

/// The granularity of that name, or an error that lists the names.
Result<std::unique_ptr<Granularity>> make_granularity(std::string_view name);

}  // namespace coppice::prune
