#include "prune/regrow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "prune/criterion.h"

namespace coppice::prune {
namespace {

// Indices in the order of falling values, ties by index.
std::vector<size_t> falling_order(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] > values[b]; });
  return order;
}

std::vector<double> magnitudes(const std::vector<float>& values, const Groups& groups) {
  std::vector<double> elements(values.size());
  for (size_t i = 0; i < values.size(); ++i) elements[i] = std::fabs(values[i]);
  return sum_by_group(elements, groups);
}

}  // namespace

Regrowth::Regrowth(const Graph& graph, const Granularity& granularity,
                   const ScheduleOptions& schedule, const PruneReport& report)
    : graph_(graph), schedule_(schedule) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const bool pruned = std::any_of(report.layers.begin(), report.layers.end(),
                                    [&](const LayerSparsity& l) { return l.layer == node.name; });
    if (!pruned) continue;
    layers_.push_back({n, weight_index(node), granularity.partition(node, weight_of(graph, n))});
  }
}

int64_t Regrowth::last_step(int64_t steps) const {
  return std::max<int64_t>(1, std::llround(schedule_.prune_end * static_cast<double>(steps)));
}

bool Regrowth::settled(int64_t step, int64_t steps) const { return step >= last_step(steps); }

// What moves is in the model: its masks, weights and gradients.
std::string Regrowth::fingerprint() const {
  std::string text = fmt::format("rigl {} {} {}", schedule_.prune_end, schedule_.prune_every,
                                 schedule_.regrow_share);
  for (const Layer& layer : layers_) text += fmt::format(" {}:{}", layer.node, layer.groups.count);
  return text;
}

Status Regrowth::after_step(int64_t step, int64_t steps, train::ModelAccess& model) {
  const int64_t last = last_step(steps);
  if (step >= last || step % schedule_.prune_every != 0) return {};
  const double progress = static_cast<double>(step) / static_cast<double>(last);
  const double share = schedule_.regrow_share * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  model.read(graph_);
  for (const Layer& layer : layers_)
    move(layer, share, model.gradient(layer.node, layer.parameter));
  model.write(graph_);
  return {};
}

void Regrowth::move(const Layer& layer, double share, const std::vector<float>& gradient) {
  Parameter& weight = graph_.nodes[layer.node].parameters[layer.parameter];
  const auto count = static_cast<size_t>(layer.groups.count);
  std::vector<bool> kept(count, false);
  for (size_t i = 0; i < weight.mask.size(); ++i) {
    if (weight.mask[i] != 0) kept[static_cast<size_t>(layer.groups.group_of[i])] = true;
  }
  const auto active = std::count(kept.begin(), kept.end(), true);
  const auto moving = static_cast<size_t>(
      std::min<double>(std::floor(share * static_cast<double>(active)),
                       static_cast<double>(static_cast<int64_t>(count) - active)));
  const std::vector<double> weights = magnitudes(weight.value, layer.groups);
  const std::vector<size_t> by_weight = falling_order(weights);
  std::vector<bool> dropped(count, false);
  size_t left = moving;
  for (size_t i = count; i-- > 0 && left > 0;) {
    if (!kept[by_weight[i]]) continue;
    dropped[by_weight[i]] = true;
    --left;
  }
  std::vector<bool> grown(count, false);
  left = moving;
  for (const size_t group : falling_order(magnitudes(gradient, layer.groups))) {
    if (left == 0) break;
    if (kept[group] && !dropped[group]) continue;
    grown[group] = true;
    --left;
  }
  for (size_t i = 0; i < weight.mask.size(); ++i) {
    const auto group = static_cast<size_t>(layer.groups.group_of[i]);
    if (grown[group] && kept[group]) continue;  // Dropped and grown again: it stays as it is.
    if (dropped[group]) weight.mask[i] = 0;
    if (grown[group]) weight.mask[i] = 1;
  }
  apply_mask(weight);
}

}  // namespace coppice::prune
