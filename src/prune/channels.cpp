#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "coppice/graph/dependency.h"
#include "prune/layer_inputs.h"
#include "prune/layer_job.h"
#include "prune/select.h"

namespace coppice::prune {
namespace {

// What one layer thinks of its channels, divided by the mean so that layers can be compared.
std::vector<double> channel_scores(const Graph& graph, size_t node, const Criterion& criterion) {
  const auto granularity = Granularity::parse("channel");
  const Groups rows = granularity->partition(graph.nodes[node], weight_of(graph, node));
  std::vector<double> scores = criterion.scores(graph, node, rows);
  double sum = 0;
  for (const double score : scores) sum += std::fabs(score);
  const double mean = sum / std::max<double>(1, static_cast<double>(scores.size()));
  for (double& score : scores) score = mean > 0 ? score / mean : 0.0;
  return scores;
}

// Channels of a set that a layer computes; several after a Flatten of its output, none if the set
// only passes through.
std::vector<int> channels_in(const ChannelSet& set, int tensor) {
  std::vector<int> channels;
  for (const TensorChannel& member : set.members) {
    if (member.tensor == tensor) channels.push_back(member.channel);
  }
  return channels;
}

// Sets of which everything that computes them is masked, as mask_channels() leaves them.
std::vector<bool> masked_sets(const Graph& graph, const ChannelDependencies& dependencies) {
  std::vector<bool> computed(dependencies.sets.size(), false);
  std::vector<bool> alive(dependencies.sets.size(), false);
  for (const Node& node : graph.nodes) {
    const auto& sets = dependencies.set_of[static_cast<size_t>(node.output)];
    for (const Parameter& parameter : node.parameters) {
      if (!parameter.trainable()) continue;
      const bool by_rows =
          parameter.name == "weight" && !std::holds_alternative<DepthwiseConv2D>(node.op);
      const size_t row = parameter.value.size() / sets.size();
      for (size_t i = 0; i < parameter.value.size(); ++i) {
        const auto set = static_cast<size_t>(sets[by_rows ? i / row : i % sets.size()]);
        computed[set] = true;
        if (parameter.mask.empty() || parameter.mask[i] != 0) alive[set] = true;
      }
    }
  }
  std::vector<bool> masked(alive.size());
  for (size_t s = 0; s < alive.size(); ++s) {
    const auto& group = dependencies.groups[static_cast<size_t>(dependencies.sets[s].group)];
    masked[s] = computed[s] && !alive[s] && group.fixed_by.empty();
  }
  return masked;
}

// One Job for each group of channels that may shrink.
class ChannelJobs {
 public:
  ChannelJobs(const Graph& graph, const PruneOptions& options, const Criterion& criterion,
              const std::vector<SelectedLayer>& layers)
      : graph_(graph),
        options_(options),
        dependencies_(channel_dependencies(graph)),
        masked_(masked_sets(graph, dependencies_)),
        selected_(graph.nodes.size(), nullptr) {
    for (const SelectedLayer& layer : layers) selected_[layer.node] = &layer.rule;
    scores_.resize(graph.nodes.size());
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (graph.nodes[n].parameter("weight") != nullptr) {
        scores_[n] = channel_scores(graph, n, criterion);
      }
    }
  }

  Status run() {
    const size_t first = first_layer();
    for (size_t g = 0; g < dependencies_.groups.size(); ++g) {
      const ChannelGroup& group = dependencies_.groups[g];
      if (!group.fixed_by.empty() || group.producers.empty()) continue;
      const bool all_selected =
          std::all_of(group.producers.begin(), group.producers.end(), [&](size_t node) {
            return selected_[node] != nullptr || follows(node, options_.layers);
          });
      const bool any_selected = std::any_of(group.producers.begin(), group.producers.end(),
                                            [&](size_t n) { return selected_[n] != nullptr; });
      if (!all_selected || !any_selected) continue;
      if (options_.protect_first_last && group.producers.front() == first) continue;
      COPPICE_TRY(Job job, make_job(group));
      jobs.push_back(std::move(job));
      groups.push_back(g);
    }
    if (!jobs.empty()) return {};
    return Error{ErrorCode::kConfig,
                 fmt::format("{}: no layer is left whose channels may be removed; the last layer "
                             "keeps its own, and the first one unless protect_first_last is false",
                             graph_.name)};
  }

  std::vector<bool> removed_sets() const {
    std::vector<bool> removed(dependencies_.sets.size(), false);
    for (size_t j = 0; j < jobs.size(); ++j) {
      const std::vector<int>& sets = dependencies_.groups[groups[j]].sets;
      for (size_t s = 0; s < sets.size(); ++s) {
        removed[static_cast<size_t>(sets[s])] = jobs[j].removed[s];
      }
    }
    return removed;
  }

  const ChannelDependencies& dependencies() const { return dependencies_; }

  std::vector<Job> jobs;
  std::vector<size_t> groups;  // Of each job.

 private:
  size_t first_layer() const {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].parameter("weight") != nullptr) return n;
    }
    return 0;
  }

  // With an explicit list of layers, the depthwise convolutions between them come along.
  bool follows(size_t node, const std::vector<std::string>& layers) const {
    if (layers.empty() || !std::holds_alternative<DepthwiseConv2D>(graph_.nodes[node].op)) {
      return false;
    }
    return std::none_of(options_.skip.begin(), options_.skip.end(), [&](const auto& pattern) {
      return pattern_matches(pattern, graph_.nodes[node]);
    });
  }

  Result<Job> make_job(const ChannelGroup& group) const {
    Job job;
    const auto count = static_cast<int64_t>(group.sets.size());
    job.node = group.producers.front();
    job.name = graph_.nodes[job.node].name;
    for (const size_t node : group.producers) {
      if (selected_[node] != nullptr) merge(*selected_[node], job.rule);
    }
    job.groups.count = count;
    job.groups.sizes.assign(static_cast<size_t>(count), 1);
    for (const int set : group.sets) job.removed.push_back(masked_[static_cast<size_t>(set)]);
    const int64_t least = std::min<int64_t>(
        count,
        std::max<int64_t>(options_.min_channels, std::min<int64_t>(options_.round_to, count)));
    job.most_removed = count - least;
    for (const int set : group.sets) job.scores.push_back(reduced(group, set));
    COPPICE_TRY(const double cost, channel_cost(group));
    job.costs.assign(static_cast<size_t>(count), cost);
    return job;
  }

  // The strictest of the rules of the layers that share channels.
  static void merge(const LayerRule& rule, LayerRule& merged) {
    if (rule.sparsity) merged.sparsity = std::min(*rule.sparsity, merged.sparsity.value_or(1.0));
    merged.min_sparsity = std::max(merged.min_sparsity, rule.min_sparsity);
    merged.max_sparsity = std::min(merged.max_sparsity, rule.max_sparsity);
  }

  // A set's importance over all layers that compute its channels.
  double reduced(const ChannelGroup& group, int set) const {
    double sum = 0, largest = 0;
    int terms = 0;
    for (const size_t node : group.producers) {
      const auto& channel_set = dependencies_.sets[static_cast<size_t>(set)];
      for (const int channel : channels_in(channel_set, graph_.nodes[node].output)) {
        const double score = scores_[node][static_cast<size_t>(channel)];
        largest = terms == 0 ? score : std::max(largest, score);
        sum += score;
        ++terms;
      }
    }
    if (options_.group_reduction == "max") return largest;
    return options_.group_reduction == "sum" ? sum : sum / std::max(1, terms);
  }

  // What goes with one channel of the layers that compute it.
  Result<double> channel_cost(const ChannelGroup& group) const {
    if (options_.scope != "global" || options_.cost == "none") return 1.0;
    double cost = 0;
    for (const size_t node : group.producers) {
      COPPICE_TRY(const double one, weight_cost(graph_, node, options_.cost));
      cost += one * static_cast<double>(weight_of(graph_, node).value.size()) /
              static_cast<double>(group.sets.size());
    }
    return cost;
  }

  const Graph& graph_;
  const PruneOptions& options_;
  ChannelDependencies dependencies_;
  std::vector<bool> masked_;                 // By set.
  std::vector<const LayerRule*> selected_;   // By node.
  std::vector<std::vector<double>> scores_;  // By node, by output channel.
};

// Gives back the best of the removed channels until the number kept is a multiple of `round_to`.
void round_up(int round_to, Job& job) {
  const int64_t count = job.groups.count;
  while (true) {
    const int64_t removed = std::count(job.removed.begin(), job.removed.end(), true);
    if (removed == 0 || (count - removed) % round_to == 0) return;
    size_t best = job.removed.size();
    for (size_t i = 0; i < job.removed.size(); ++i) {
      if (job.removed[i] && (best == job.removed.size() || job.scores[i] >= job.scores[best])) {
        best = i;
      }
    }
    job.removed[best] = false;
  }
}

int64_t count_weights(const Graph& graph, const std::string& layer) {
  return nonzero_count(*graph.find(layer)->parameter("weight"));
}

}  // namespace

Result<PruneReport> prune_channels(Graph& graph, const PruneOptions& options, double sparsity,
                                   Criterion& criterion, const Evidence& evidence,
                                   const data::Dataset* dataset) {
  COPPICE_TRY(const auto layers, select_layers(graph, options));
  COPPICE_TRY_STATUS(criterion.prepare(graph, evidence));
  ChannelJobs work(graph, options, criterion, layers);
  COPPICE_TRY_STATUS(work.run());
  SensitivityCurves curves;
  if (options.scope == "sensitivity") {
    COPPICE_TRY(curves, sensitivity_curves(graph, options, work.jobs, dataset));
  }
  COPPICE_TRY(const Granularity granularity, Granularity::parse("channel"));
  COPPICE_TRY_STATUS(choose(options, granularity, sparsity, &curves, work.jobs));
  PruneReport report;
  int64_t channels = 0, removed = 0;
  for (Job& job : work.jobs) {
    round_up(options.round_to, job);
    channels += job.groups.count;
    removed += std::count(job.removed.begin(), job.removed.end(), true);
    report.layers.push_back({job.name, count_weights(graph, job.name), 0});
  }
  if (options.remove_channels) {
    COPPICE_TRY(graph, remove_channels(graph, work.dependencies(), work.removed_sets()));
  } else {
    COPPICE_TRY_STATUS(mask_channels(graph, work.dependencies(), work.removed_sets()));
  }
  for (LayerSparsity& layer : report.layers) layer.kept = count_weights(graph, layer.layer);
  report.sparsity_achieved = static_cast<double>(removed) / static_cast<double>(channels);
  return report;
}

Result<int> remove_masked_channels(Graph& graph) {
  const ChannelDependencies dependencies = channel_dependencies(graph);
  const std::vector<bool> masked = masked_sets(graph, dependencies);
  COPPICE_TRY(graph, remove_channels(graph, dependencies, masked));
  return static_cast<int>(std::count(masked.begin(), masked.end(), true));
}

Result<DeadChannelReport> remove_dead_channels(Graph& graph, const data::Dataset& dataset,
                                               int samples, uint64_t seed) {
  COPPICE_TRY(const auto drawn, train::draw_samples(dataset, data::Split::kTrain, samples, seed));
  const ChannelDependencies dependencies = channel_dependencies(graph);
  // A set is alive when some reader of it sees something else than zero. What no layer reads is
  // left alone.
  std::vector<bool> read(dependencies.sets.size(), false), alive(dependencies.sets.size(), false);
  COPPICE_TRY_STATUS(visit_layer_inputs(graph, drawn, [&](const SeenTensor& seen) {
    const Node& node = graph.nodes[seen.node];
    if (std::holds_alternative<DepthwiseConv2D>(node.op)) return;  // Its own readers decide.
    const auto& sets = dependencies.set_of[static_cast<size_t>(node.inputs[0])];
    for (size_t i = 0; i < seen.values.size(); ++i) {
      const auto set = static_cast<size_t>(sets[i % sets.size()]);
      read[set] = true;
      if (seen.values[i] != 0.0f) alive[set] = true;
    }
  }));
  DeadChannelReport report;
  std::vector<bool> removed(dependencies.sets.size(), false);
  for (const ChannelGroup& group : dependencies.groups) {
    if (!group.fixed_by.empty()) continue;
    report.channels += static_cast<int>(group.sets.size());
    int left = static_cast<int>(group.sets.size());
    for (const int set : group.sets) {
      const auto s = static_cast<size_t>(set);
      if (!read[s] || alive[s] || left == 1) continue;
      removed[s] = true;
      --left;
      ++report.removed;
    }
  }
  COPPICE_TRY(graph, remove_channels(graph, dependencies, removed));
  return report;
}

}  // namespace coppice::prune
