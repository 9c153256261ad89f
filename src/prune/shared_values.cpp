#include "coppice/prune/shared_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "coppice/prune/granularity.h"
#include "prune/criterion.h"
#include "prune/select.h"

namespace coppice::prune {
namespace {

template <class Options>
Result<std::vector<SelectedLayer>> layers_of(const Graph& graph, const Options& options) {
  if (graph.quantized()) {
    return Error{ErrorCode::kUnsupported,
                 graph.name + ": weights share values in the float model, before quantization"};
  }
  PruneOptions selection;
  selection.layers = options.layers;
  selection.skip = options.skip;
  return select_layers(graph, selection);
}

bool kept(const Parameter& weight, size_t element) {
  return weight.mask.empty() || weight.mask[element] != 0;
}

// The blocks of a layer in the order of what unifying them changes: sum of (|w| - mean |w|)^2.
std::vector<size_t> unification_order(const Parameter& weight, const Groups& groups) {
  const auto count = static_cast<size_t>(groups.count);
  std::vector<double> sums(count, 0.0), squares(count, 0.0), terms(count, 0.0), losses(count);
  for (size_t i = 0; i < weight.value.size(); ++i) {
    if (!kept(weight, i)) continue;
    const auto group = static_cast<size_t>(groups.group_of[i]);
    const double magnitude = std::fabs(weight.value[i]);
    sums[group] += magnitude;
    squares[group] += magnitude * magnitude;
    terms[group] += 1;
  }
  for (size_t g = 0; g < count; ++g) {
    losses[g] = terms[g] > 0 ? squares[g] - sums[g] * sums[g] / terms[g] : 0.0;
  }
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return losses[a] < losses[b]; });
  return order;
}

// Lloyd's algorithm on numbers: sorted values are cut at the middles between neighbours.
std::vector<int> k_means(const std::vector<double>& values, int clusters) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  std::vector<double> centres(static_cast<size_t>(clusters));
  for (int c = 0; c < clusters; ++c) {
    const double share = clusters == 1 ? 0.5 : static_cast<double>(c) / (clusters - 1);
    centres[static_cast<size_t>(c)] = *low + share * (*high - *low);
  }
  std::vector<int> nearest(values.size(), -1);
  constexpr int kMostRounds = 100;
  for (int round = 0; round < kMostRounds; ++round) {
    std::vector<double> sums(centres.size(), 0.0), counts(centres.size(), 0.0);
    bool moved = false;
    for (size_t i = 0; i < values.size(); ++i) {
      const auto above = std::lower_bound(centres.begin(), centres.end(), values[i]);
      auto best = above == centres.end() ? centres.end() - 1 : above;
      if (best != centres.begin() && values[i] - *(best - 1) <= *best - values[i]) --best;
      const auto index = static_cast<int>(best - centres.begin());
      moved = moved || nearest[i] != index;
      nearest[i] = index;
      sums[static_cast<size_t>(index)] += values[i];
      counts[static_cast<size_t>(index)] += 1;
    }
    if (!moved) break;
    for (size_t c = 0; c < centres.size(); ++c) {
      if (counts[c] > 0) centres[c] = sums[c] / counts[c];
    }
    std::sort(centres.begin(), centres.end());
  }
  return nearest;
}

// Clusters some elements of a layer; their shared values are numbered from layer.values on.
void cluster_elements(const Parameter& weight, const std::vector<size_t>& elements, int clusters,
                      SharedLayer& layer) {
  if (elements.empty()) return;
  std::vector<double> values;
  for (const size_t element : elements) values.push_back(double{weight.value[element]});
  const std::vector<int> nearest = k_means(values, clusters);
  for (size_t i = 0; i < elements.size(); ++i) {
    layer.shared[elements[i]] = layer.values + nearest[i];
  }
  layer.values += clusters;
}

SharedLayer empty_layer(size_t node, const Parameter& weight) {
  SharedLayer layer;
  layer.node = node;
  layer.shared.assign(weight.value.size(), -1);
  layer.signs.assign(weight.value.size(), 1.0f);
  return layer;
}

}  // namespace

Result<std::vector<SharedLayer>> unify(Graph& graph, const UnifyOptions& options) {
  COPPICE_TRY(const Granularity granularity, Granularity::parse(options.block));
  if (granularity.is_pattern() || !(options.share >= 0 && options.share <= 1)) {
    return Error{ErrorCode::kConfig,
                 fmt::format("unification needs blocks of weights and a share within [0, 1]; got "
                             "\"{}\" and {}",
                             options.block, options.share)};
  }
  COPPICE_TRY(const auto selected, layers_of(graph, options));
  std::vector<SharedLayer> layers;
  for (const SelectedLayer& choice : selected) {
    const Parameter& weight = weight_of(graph, choice.node);
    const Groups groups = granularity.partition(graph.nodes[choice.node], weight);
    const std::vector<size_t> order = unification_order(weight, groups);
    std::vector<int> number(order.size(), -1);
    SharedLayer layer = empty_layer(choice.node, weight);
    const auto wanted = std::llround(options.share * static_cast<double>(order.size()));
    for (; layer.values < wanted; ++layer.values) {
      number[order[static_cast<size_t>(layer.values)]] = layer.values;
    }
    for (size_t i = 0; i < weight.value.size(); ++i) {
      layer.signs[i] = weight.value[i] < 0 ? -1.0f : 1.0f;
      if (kept(weight, i)) layer.shared[i] = number[static_cast<size_t>(groups.group_of[i])];
    }
    layers.push_back(std::move(layer));
  }
  project(graph, layers);
  return layers;
}

Result<std::vector<SharedLayer>> cluster(Graph& graph, const ClusterOptions& options) {
  if (options.clusters < 1) {
    return Error{ErrorCode::kConfig,
                 fmt::format("clusters is {}, expected 1 or more", options.clusters)};
  }
  COPPICE_TRY(const auto selected, layers_of(graph, options));
  std::vector<SharedLayer> layers;
  for (const SelectedLayer& choice : selected) {
    const Parameter& weight = weight_of(graph, choice.node);
    const WeightMatrix matrix = weight_matrix(graph.nodes[choice.node], weight);
    SharedLayer layer = empty_layer(choice.node, weight);
    std::vector<size_t> elements;
    for (int64_t row = 0; row < matrix.rows; ++row) {
      for (int64_t column = 0; column < matrix.columns; ++column) {
        const auto element = static_cast<size_t>(matrix.element(row, column));
        if (kept(weight, element)) elements.push_back(element);
      }
      if (!options.per_channel) continue;
      cluster_elements(weight, elements, options.clusters, layer);
      elements.clear();
    }
    cluster_elements(weight, elements, options.clusters, layer);
    layers.push_back(std::move(layer));
  }
  project(graph, layers);
  return layers;
}

Result<train::FitReport> train_shared(Graph& graph, const data::Dataset& dataset,
                                      const std::vector<SharedLayer>& layers,
                                      const train::TrainOptions& training,
                                      const train::TrainCallbacks& callbacks,
                                      const Graph* teacher) {
  return train::fit(graph, dataset, training, callbacks, {teacher, nullptr, &layers});
}

}  // namespace coppice::prune
