#include "prune/select.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "coppice/core/text.h"

namespace coppice::prune {
namespace {

class Selector {
 public:
  explicit Selector(const Graph& graph) : graph_(graph) {
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (graph.nodes[n].parameter("weight") == nullptr) continue;
      with_weights_.push_back(n);
      names_.push_back(graph.nodes[n].name);
    }
  }

  bool any_match(const std::vector<std::string>& patterns, size_t node) const {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
      return pattern_matches(pattern, graph_.nodes[node]);
    });
  }

  Status check(const char* field, const std::string& pattern) const {
    const bool matches = std::any_of(with_weights_.begin(), with_weights_.end(), [&](size_t node) {
      return pattern_matches(pattern, graph_.nodes[node]);
    });
    if (matches) return {};
    return Error{
        ErrorCode::kConfig,
        fmt::format("{}: \"{}\" in {} matches no layer with weights{}; they are {}", graph_.name,
                    pattern, field, did_you_mean(pattern, names_), fmt::join(names_, ", "))};
  }

  const std::vector<size_t>& with_weights() const { return with_weights_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  const Graph& graph_;
  std::vector<size_t> with_weights_;
  std::vector<std::string> names_;
};

void apply_rule(const Rule& rule, LayerRule& layer) {
  layer.skip = rule.skip;
  if (rule.sparsity) layer.sparsity = rule.sparsity;
  if (rule.min_sparsity) layer.min_sparsity = *rule.min_sparsity;
  if (rule.max_sparsity) layer.max_sparsity = *rule.max_sparsity;
}

Status check_bounds(const Graph& graph, size_t node, const LayerRule& rule) {
  if (rule.min_sparsity <= rule.max_sparsity) return {};
  return Error{ErrorCode::kConfig,
               fmt::format("{}: layer \"{}\" has min_sparsity {} above max_sparsity {}", graph.name,
                           graph.nodes[node].name, rule.min_sparsity, rule.max_sparsity)};
}

}  // namespace

Result<std::vector<SelectedLayer>> select_layers(const Graph& graph, const PruneOptions& options) {
  const Selector selector(graph);
  std::vector<Rule> rules;
  for (const std::string& text : options.rules) {
    COPPICE_TRY(Rule rule, parse_rule(text));
    COPPICE_TRY_STATUS(selector.check("rules", rule.pattern));
    rules.push_back(std::move(rule));
  }
  for (const auto& glob : options.layers) COPPICE_TRY_STATUS(selector.check("layers", glob));
  for (const auto& glob : options.skip) COPPICE_TRY_STATUS(selector.check("skip", glob));
  std::vector<SelectedLayer> chosen;
  for (const size_t node : selector.with_weights()) {
    LayerRule rule{false, {}, options.min_sparsity, options.max_sparsity};
    rule.skip = (!options.layers.empty() && !selector.any_match(options.layers, node));
    for (const Rule& entry : rules) {
      if (pattern_matches(entry.pattern, graph.nodes[node])) apply_rule(entry, rule);
    }
    if (rule.skip || selector.any_match(options.skip, node)) continue;
    COPPICE_TRY_STATUS(check_bounds(graph, node, rule));
    chosen.push_back({node, rule});
  }
  if (!chosen.empty()) return chosen;
  return Error{ErrorCode::kConfig,
               fmt::format("{}: no layer is left to prune; those with weights are {}", graph.name,
                           fmt::join(selector.names(), ", "))};
}

}  // namespace coppice::prune
