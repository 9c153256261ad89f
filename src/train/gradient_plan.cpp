#include "train/gradient_plan.h"

#include <algorithm>

namespace coppice::train {
namespace {

bool works_in_place(const Op& op) {
  return std::holds_alternative<BatchNorm>(op) || std::holds_alternative<Relu>(op) ||
         std::holds_alternative<Relu6>(op) || std::holds_alternative<Add>(op) ||
         std::holds_alternative<Dropout>(op);
}

// Storages that depend on a parameter: only their gradients lead anywhere.
std::vector<bool> wanted_storages(const Graph& graph, const LoweredGraph& lowered) {
  std::vector<bool> wanted(graph.tensors.size(), false);
  for (const auto& layer : lowered.layers) {
    const bool any = std::any_of(layer.inputs.begin(), layer.inputs.end(),
                                 [&](int input) { return wanted[static_cast<size_t>(input)]; });
    wanted[static_cast<size_t>(layer.output)] = any || layer.has_parameters;
  }
  return wanted;
}

class Planner {
 public:
  Planner(const Graph& graph, const LoweredGraph& lowered)
      : graph_(graph), lowered_(lowered), wanted_(wanted_storages(graph, lowered)) {
    plan_.buffer.assign(graph.tensors.size(), -1);
    plan_.edges.resize(lowered.layers.size());
  }

  GradientPlan run() && {
    if (wanted_[static_cast<size_t>(lowered_.logits)]) take(lowered_.logits);
    for (size_t l = lowered_.layers.size(); l-- > 0;) plan_layer(l);
    return std::move(plan_);
  }

 private:
  int& buffer(int storage) { return plan_.buffer[static_cast<size_t>(storage)]; }
  int64_t elements(int storage) const {
    return graph_.tensors[static_cast<size_t>(storage)].shape.elements();
  }

  void plan_layer(size_t l) {
    const LoweredLayer& layer = lowered_.layers[l];
    bool handed_on = false;
    for (size_t i = 0; i < layer.inputs.size(); ++i) {
      const int input = layer.inputs[i];
      EdgePlan edge{wanted_[static_cast<size_t>(input)], false};
      if (edge.wants_gradient && buffer(input) >= 0) {
        edge.accumulate = true;
      } else if (edge.wants_gradient && !handed_on && may_hand_on(layer, input)) {
        buffer(input) = buffer(layer.output);
        handed_on = true;
      } else if (edge.wants_gradient) {
        take(input);
      }
      plan_.edges[l].push_back(edge);
    }
    if (!handed_on && buffer(layer.output) >= 0) free_.push_back(buffer(layer.output));
  }

  // Whether the gradient of this input may overwrite that of the output.
  bool may_hand_on(const LoweredLayer& layer, int input) {
    const auto uses = std::count(layer.inputs.begin(), layer.inputs.end(), input);
    return works_in_place(graph_.nodes[layer.node].op) && uses == 1 && buffer(layer.output) >= 0;
  }

  // A free buffer: the smallest that is large enough, else the largest, grown; else a new one.
  void take(int storage) {
    const int64_t size = elements(storage);
    const auto capacity = [&](int b) { return plan_.buffer_elements[static_cast<size_t>(b)]; };
    const auto better = [&](int a, int b) {
      const bool a_fits = capacity(a) >= size, b_fits = capacity(b) >= size;
      if (a_fits != b_fits) return a_fits;
      return a_fits ? capacity(a) < capacity(b) : capacity(a) > capacity(b);
    };
    const auto best = std::min_element(free_.begin(), free_.end(), better);
    int chosen = static_cast<int>(plan_.buffer_elements.size());
    if (best != free_.end()) {
      chosen = *best;
      free_.erase(best);
    } else {
      plan_.buffer_elements.push_back(0);
    }
    auto& chosen_size = plan_.buffer_elements[static_cast<size_t>(chosen)];
    chosen_size = std::max(chosen_size, size);
    buffer(storage) = chosen;
  }

  const Graph& graph_;
  const LoweredGraph& lowered_;
  std::vector<bool> wanted_;
  std::vector<int> free_;
  GradientPlan plan_;
};

}  // namespace

GradientPlan plan_gradients(const Graph& graph, const LoweredGraph& lowered) {
  return Planner(graph, lowered).run();
}

}  // namespace coppice::train
