#pragma once

#include <string>
#include <string_view>

namespace coppice {

/// Edits (insert, delete, replace, or swap of neighbours) that turn `a` into `b`: the "optimal
/// string alignment" distance. Letters that differ only in case count as equal.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `name`, or "" when none is near: more than a third of the longer
/// word's letters (at least one) would have to change.
template <class Range>
std::string nearest_name(std::string_view name, const Range& candidates) {
  std::string best;
  int best_distance = 0;
  for (const auto& entry : candidates) {
    const std::string_view candidate = entry;
    const auto longer =
        static_cast<int>(candidate.size() > name.size() ? candidate.size() : name.size());
    const int distance = edit_distance(name, candidate);
    if (distance > (longer < 6 ? 1 + longer / 4 : longer / 3)) continue;
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

/// `; did you mean "sparsity"?` for the end of a message, or "" when no candidate is near.
template <class Range>
std::string did_you_mean(std::string_view name, const Range& candidates) {
  const std::string nearest = nearest_name(name, candidates);
  return nearest.empty() ? std::string() : "; did you mean \"" + nearest + "\"?";
}

/// Whether the whole `name` matches `pattern`, in which `*` stands for any run of characters
/// (also none) and `?` for one.
bool glob_match(std::string_view pattern, std::string_view name);

/// "1,234,567": an integer with a comma between thousands.
std::string with_thousands(long long value);

}  // namespace coppice
