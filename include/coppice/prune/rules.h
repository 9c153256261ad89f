#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/graph/graph.h"

namespace coppice::prune {

/// Whether a pattern means this layer: a glob of its name ("conv_*") or, after "op:", of its
/// operation ("op:depthwise_conv2d").
bool pattern_matches(std::string_view pattern, const Node& node);

/// What is said about a layer in particular.
struct LayerRule {
  bool skip = false;
  std::optional<double> sparsity = {};  ///< Instead of what the scope would give it.
  double min_sparsity = 0;
  double max_sparsity = 1;
};

/// A line such as "conv_* sparsity=0.5", "op:depthwise_conv2d skip" or
/// "fc min_sparsity=0.2 max_sparsity=0.9".
struct Rule {
  std::string pattern;
  bool skip = false;
  std::optional<double> sparsity = {}, min_sparsity = {}, max_sparsity = {};
};
Result<Rule> parse_rule(std::string_view text);

}  // namespace coppice::prune
