#include "coppice/prune/prune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "coppice/prune/registry.h"
#include "prune/criterion.h"
#include "prune/lookup.h"
#include "prune/select.h"

namespace coppice::prune {
namespace {

// Groups in the order in which they are removed: those already gone, then by score, then by index.
std::vector<int64_t> removal_order(const std::vector<double>& scores,
                                   const std::vector<bool>& gone) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const auto i = static_cast<size_t>(a), j = static_cast<size_t>(b);
    if (gone[i] != gone[j]) return static_cast<bool>(gone[i]);
    return !gone[i] && scores[i] < scores[j];
  });
  return order;
}

// Groups without a kept element.
std::vector<bool> gone_groups(const Parameter& weight, const Groups& groups) {
  std::vector<bool> gone(static_cast<size_t>(groups.count), true);
  for (size_t i = 0; i < weight.value.size(); ++i) {
    if (weight.mask.empty() || weight.mask[i] != 0) {
      gone[static_cast<size_t>(groups.group_of[i])] = false;
    }
  }
  return gone;
}

// Removes round(sparsity * groups) groups of one layer, those already gone included.
void prune_layer(Parameter& weight, const Groups& groups, const std::vector<double>& scores,
                 double sparsity) {
  const auto gone = gone_groups(weight, groups);
  const auto order = removal_order(scores, gone);
  const auto target =
      static_cast<size_t>(std::llround(sparsity * static_cast<double>(groups.count)));
  std::vector<bool> removed = gone;
  for (size_t i = 0; i < target; ++i) removed[static_cast<size_t>(order[i])] = true;
  if (weight.mask.empty()) weight.mask.assign(weight.value.size(), 1);
  for (size_t i = 0; i < weight.mask.size(); ++i) {
    if (removed[static_cast<size_t>(groups.group_of[i])]) weight.mask[i] = 0;
  }
  apply_mask(weight);
}

Status check(const Graph& graph, const PruneOptions& options) {
  if (!(options.sparsity >= 0.0 && options.sparsity < 1.0)) {
    return Error{ErrorCode::kConfig,
                 fmt::format("sparsity is {}, expected within [0, 1)", options.sparsity)};
  }
  const auto& known = scopes();
  const bool found = std::any_of(known.begin(), known.end(), [&](const NamedOption& scope) {
    return scope.name == options.scope;
  });
  if (!found) return unknown_option("scope", options.scope, known);
  for (const auto& node : graph.nodes) {
    const Parameter* weight = node.parameter("weight");
    if (weight == nullptr || !weight->quantized) continue;
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{}: layer \"{}\" is quantized; prune the float model, then quantize",
                             graph.name, node.name)};
  }
  return {};
}

}  // namespace

const std::vector<NamedOption>& scopes() {
  static const std::vector<NamedOption> options = {
      {"local", "each layer reaches the requested sparsity by itself"}};
  return options;
}

Result<PruneReport> apply(Graph& graph, const PruneOptions& options) {
  COPPICE_TRY_STATUS(check(graph, options));
  COPPICE_TRY(const auto granularity, make_granularity(options.granularity));
  COPPICE_TRY(const auto criterion, make_criterion(options.criterion));
  COPPICE_TRY(const auto layers, select_layers(graph, options));
  PruneReport report;
  report.sparsity_requested = options.sparsity;
  int64_t weights = 0, kept = 0;
  for (Node* node : layers) {
    Parameter& weight = *node->parameter("weight");
    const Groups groups = granularity->partition(*node, weight);
    prune_layer(weight, groups, criterion->scores(graph, *node, weight, groups), options.sparsity);
    LayerSparsity layer{node->name, static_cast<int64_t>(weight.value.size()),
                        std::count(weight.mask.begin(), weight.mask.end(), 1)};
    weights += layer.weights;
    kept += layer.kept;
    report.layers.push_back(std::move(layer));
  }
  report.sparsity_achieved = 1.0 - static_cast<double>(kept) / static_cast<double>(weights);
  return report;
}

}  // namespace coppice::prune
