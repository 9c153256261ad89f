#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/graph/graph.h"
#include "prune/granularity.h"

namespace coppice::prune {

/// How much the network would lose with a group of weights: the smallest scores go first.
class Criterion {
 public:
  virtual ~Criterion() = default;

  /// One score a group of `weight`, which belongs to `node` of `graph`.
  virtual std::vector<double> scores(const Graph& graph, const Node& node, const Parameter& weight,
                                     const Groups& groups) const = 0;
};

/// The criterion of that name, or an error that lists the names.
Result<std::unique_ptr<Criterion>> make_criterion(std::string_view name);

}  // namespace coppice::prune
