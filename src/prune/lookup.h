#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/core/text.h"
#include "coppice/prune/registry.h"

namespace coppice::prune {

/// The error for a name that a registry does not have.
inline Error unknown_option(std::string_view kind, std::string_view name,
                            const std::vector<NamedOption>& known) {
  std::vector<std::string_view> names;
  for (const auto& option : known) names.push_back(option.name);
  return Error{ErrorCode::kConfig,
               fmt::format("unknown pruning {} \"{}\"; expected one of {}{}", kind, name,
                           fmt::join(names, ", "), did_you_mean(name, names))};
}

/// A registry's entry beside what it makes.
template <class Interface>
struct Registered {
  NamedOption option;
  std::unique_ptr<Interface> (*make)();
};

template <class Interface, size_t kCount>
std::vector<NamedOption> options_of(const Registered<Interface> (&entries)[kCount]) {
  std::vector<NamedOption> options;
  for (const auto& entry : entries) options.push_back(entry.option);
  return options;
}

template <class Interface, size_t kCount>
Result<std::unique_ptr<Interface>> make_registered(std::string_view kind, std::string_view name,
                                                   const Registered<Interface> (&entries)[kCount]) {
  for (const auto& entry : entries) {
    if (entry.option.name == name) return entry.make();
  }
  return unknown_option(kind, name, options_of(entries));
}

}  // namespace coppice::prune
