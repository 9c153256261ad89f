#include "train/parameter_store.h"

#include <algorithm>

namespace coppice::train {

ParameterStore::ParameterStore(const Graph& graph) {
  place(graph, true);
  trainable_ = size_;
  place(graph, false);
  values_ = AlignedFloats(static_cast<size_t>(size_));
  read_from(graph);
}

void ParameterStore::read_from(const Graph& graph) {
  mask_.clear();
  for (const auto& range : ranges_) {
    const Parameter& parameter = graph.nodes[range.node].parameters[range.parameter];
    float* to = values() + range.offset;
    std::copy(parameter.value.begin(), parameter.value.end(), to);
    if (parameter.mask.empty()) continue;
    if (mask_.empty()) mask_.assign(static_cast<size_t>(trainable_), 1);
    for (size_t i = 0; i < parameter.mask.size(); ++i) {
      mask_[static_cast<size_t>(range.offset) + i] = parameter.mask[i];
      if (parameter.mask[i] == 0) to[i] = 0.0f;
    }
  }
}

void ParameterStore::place(const Graph& graph, bool trainable) {
  constexpr int64_t kAlignment = 16;  // Floats of a cache line.
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (size_t p = 0; p < node.parameters.size(); ++p) {
      const Parameter& parameter = node.parameters[p];
      if (parameter.trainable() != trainable) continue;
      const auto elements = static_cast<int64_t>(parameter.value.size());
      ranges_.push_back({n, p, size_, elements, parameter.name == "weight"});
      names_.push_back(parameter.name);
      size_ += (elements + kAlignment - 1) / kAlignment * kAlignment;
    }
  }
}

void ParameterStore::write_to(Graph& graph) const {
  for (const auto& range : ranges_) {
    Parameter& parameter = graph.nodes[range.node].parameters[range.parameter];
    const float* from = values() + range.offset;
    std::copy(from, from + range.size, parameter.value.begin());
    if (mask_.empty() || range.offset >= trainable_) continue;
    const uint8_t* mask = mask_.data() + range.offset;
    const bool pruned =
        std::any_of(mask, mask + range.size, [](uint8_t keep) { return keep == 0; });
    if (pruned || !parameter.mask.empty()) parameter.mask.assign(mask, mask + range.size);
  }
}

const ParameterRange* ParameterStore::find(size_t node, std::string_view name) const {
  for (size_t i = 0; i < ranges_.size(); ++i) {
    if (ranges_[i].node == node && names_[i] == name) return &ranges_[i];
  }
  return nullptr;
}

}  // namespace coppice::train
