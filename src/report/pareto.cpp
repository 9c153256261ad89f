#include "coppice/report/pareto.h"

#include <algorithm>
#include <cmath>

namespace coppice::report {

std::vector<size_t> pareto_front(const std::vector<Candidate>& candidates) {
  std::vector<size_t> order;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!std::isnan(candidates[i].accuracy) && !std::isnan(candidates[i].cost)) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (candidates[a].cost != candidates[b].cost) return candidates[a].cost < candidates[b].cost;
    return candidates[a].accuracy > candidates[b].accuracy;
  });
  std::vector<size_t> front;
  for (size_t i : order) {
    if (!front.empty()) {
      const auto& last = candidates[front.back()];
      const bool equal = candidates[i].accuracy == last.accuracy && candidates[i].cost == last.cost;
      if (candidates[i].accuracy <= last.accuracy && !equal) continue;
    }
    front.push_back(i);
  }
  return front;
}

}  // namespace coppice::report
