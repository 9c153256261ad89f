#include "coppice/graph/readers.h"

#include <algorithm>

namespace coppice {

std::vector<size_t> weighted_readers(const Graph& graph, size_t node) {
  std::vector<size_t> readers;
  std::vector<bool> reached(graph.tensors.size(), false);
  reached[static_cast<size_t>(graph.nodes[node].output)] = true;
  for (size_t n = node + 1; n < graph.nodes.size(); ++n) {
    const Node& next = graph.nodes[n];
    const bool reads = std::any_of(next.inputs.begin(), next.inputs.end(),
                                   [&](int input) { return reached[static_cast<size_t>(input)]; });
    if (!reads) continue;
    if (next.parameter("weight") != nullptr) {
      readers.push_back(n);
    } else {
      reached[static_cast<size_t>(next.output)] = true;
    }
  }
  return readers;
}

}  // namespace coppice
