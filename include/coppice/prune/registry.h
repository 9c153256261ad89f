#pragma once

#include <string_view>
#include <vector>

namespace coppice::prune {

/// A name that a config may use, and one line about it.
struct NamedOption {
  std::string_view name;
  std::string_view summary;
};

/// What can be named in PruneOptions, in the order of the documentation.
const std::vector<NamedOption>& criteria();
const std::vector<NamedOption>& granularities();
const std::vector<NamedOption>& scopes();

}  // namespace coppice::prune
