#include "prune/select.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "coppice/core/text.h"

namespace coppice::prune {
namespace {

bool any_match(const std::vector<std::string>& globs, const std::string& name) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return glob_match(glob, name); });
}

Status check_globs(const std::string& graph_name, const char* field,
                   const std::vector<std::string>& globs, const std::vector<std::string>& names) {
  for (const auto& glob : globs) {
    const bool matches = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return glob_match(glob, name);
    });
    if (matches) continue;
    return Error{
        ErrorCode::kConfig,
        fmt::format("{}: \"{}\" in {} matches no layer with weights{}; they are {}", graph_name,
                    glob, field, did_you_mean(glob, names), fmt::join(names, ", "))};
  }
  return {};
}

}  // namespace

Result<std::vector<Node*>> select_layers(Graph& graph, const PruneOptions& options) {
  std::vector<Node*> with_weights, chosen;
  std::vector<std::string> names;
  for (Node& node : graph.nodes) {
    if (node.parameter("weight") == nullptr) continue;
    with_weights.push_back(&node);
    names.push_back(node.name);
  }
  COPPICE_TRY_STATUS(check_globs(graph.name, "layers", options.layers, names));
  COPPICE_TRY_STATUS(check_globs(graph.name, "skip", options.skip, names));
  for (Node* node : with_weights) {
    const bool wanted = options.layers.empty() || any_match(options.layers, node->name);
    if (wanted && !any_match(options.skip, node->name)) chosen.push_back(node);
  }
  if (chosen.empty()) {
    return Error{ErrorCode::kConfig,
                 fmt::format("{}: no layer is left to prune; those with weights are {}", graph.name,
                             fmt::join(names, ", "))};
  }
  return chosen;
}

}  // namespace coppice::prune
