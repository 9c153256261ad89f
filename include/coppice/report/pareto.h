#pragma once

#include <cstddef>
#include <vector>

namespace coppice::report {

/// A candidate: more accuracy is better, less cost is better.
struct Candidate {
  double accuracy = 0;
  double cost = 0;
};

/// Indices of the candidates that no other one dominates (at least as good in both and better in
/// one), by increasing cost. Equal candidates are all kept; NaN is never on the front.
std::vector<size_t> pareto_front(const std::vector<Candidate>& candidates);

}  // namespace coppice::report
