#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "coppice/core/listing.h"
#include "coppice/core/result.h"
#include "coppice/core/text.h"

namespace coppice::prune {

/// The error for a name that a list does not have.
inline Error unknown_option(std::string_view kind, std::string_view name,
                            const std::vector<Listed>& known) {
  std::vector<std::string_view> names;
  for (const auto& option : known) names.push_back(option.name);
  return Error{ErrorCode::kConfig,
               fmt::format("unknown pruning {} \"{}\"; expected one of {}{}", kind, name,
                           fmt::join(names, ", "), did_you_mean(name, names))};
}

inline Status check_listed(std::string_view kind, std::string_view name,
                           const std::vector<Listed>& known) {
  const bool found = std::any_of(known.begin(), known.end(),
                                 [&](const Listed& option) { return option.name == name; });
  if (found) return {};
  return unknown_option(kind, name, known);
}

}  // namespace coppice::prune
