#pragma once

#include <string_view>

namespace coppice {

/// An entry of a room's list of what it offers (front ends, executors, ...): what `coppice ops`
/// shows, what errors about unknown names list, and what the parser accepts all come from it.
struct Listed {
  std::string_view name;
  std::string_view summary;  ///< One line.
};

}  // namespace coppice
