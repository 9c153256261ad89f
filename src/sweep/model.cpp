#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "coppice/core/text.h"
#include "coppice/graph/zoo.h"
#include "coppice/io/graph_json.h"
#include "coppice/io/model_file.h"
#include "coppice/prune/rules.h"
#include "coppice/sweep/grid.h"
#include "coppice/sweep/tables.h"

namespace coppice::sweep {
namespace {

Result<Graph> build_layers(const Json& model, const Shape& input, uint64_t seed) {
  Json sizes = Json::array();
  for (const int size : input) sizes.push_back(size);
  const Json json{{"name", model["name"]}, {"input", sizes}, {"layers", model["layers"]}};
  return io::graph_from_layers(json.dump(), seed);
}

/// A sample's shape by what the config says, for checks that must work before the data is there.
Shape usual_input(const Json& dataset) {
  if (dataset["type"] == "cifar10") return {32, 32, 3};
  if (dataset["type"] == "fashion_mnist") return {28, 28, 1};
  if (dataset["features"] == "log_mel") return {30, 40, 1};
  if (dataset["features"] == "micro") return {49, 40, 1};
  return {49, 10, 1};
}

std::vector<Node> layers_with_weights(const Graph& graph) {
  std::vector<Node> layers;
  for (const Node& node : graph.nodes) {
    if (node.parameter("weight") != nullptr) layers.push_back({node.name, node.op, {}, -1, {}});
  }
  return layers;
}

std::vector<std::string> names_of(const std::vector<Node>& layers) {
  std::vector<std::string> names;
  for (const Node& layer : layers) names.push_back(layer.name);
  return names;
}

/// Patterns of one step that match none of `layers`, as located errors.
void check_step(const Config& config, const TrialStep& step, const std::vector<Node>& layers,
                const std::string& model_name, std::set<std::string>& errors) {
  for (const Field& field : find_step_kind(step.name)->table->fields()) {
    if (!field.layer_pattern) continue;
    const Json& patterns = step.options[field.name];
    for (size_t i = 0; i < patterns.size(); ++i) {
      const auto text = patterns[i].get<std::string>();
      const std::string pattern = text.substr(0, text.find(' '));
      const auto matches = [&](const Node& layer) {
        return prune::pattern_matches(pattern, layer);
      };
      if (std::any_of(layers.begin(), layers.end(), matches)) continue;
      const std::string pointer =
          fmt::format("/steps/{}/{}/{}/{}", step.index, step.name, field.name, i);
      errors.insert(config.source.error_at(
          pointer,
          fmt::format("\"{}\" matches no layer of {}{}; its layers: {}", pattern, model_name,
                      did_you_mean(pattern, names_of(layers)), fmt::join(names_of(layers), ", "))));
    }
  }
}

}  // namespace

Result<Graph> build_model(const Json& model, const Shape& input, int classes, uint64_t seed) {
  if (model.contains("file")) return io::load_model(model["file"].get<std::string>());
  if (model.contains("layers")) return build_layers(model, input, seed);
  return make_zoo_model(model["arch"].get<std::string>(), input, classes, seed);
}

Status check_layer_patterns(const Config& config) {
  auto expanded = expand(config);
  if (!expanded.ok()) {
    return Error{ErrorCode::kConfig, config.source.error_at("/model", expanded.error().message)};
  }
  std::set<std::string> errors;
  std::map<std::string, std::pair<std::string, std::vector<Node>>> known;  // Name, layers.
  for (const Trial& trial : *expanded) {
    if (trial.seed != config.seeds.front()) break;
    // An architecture's layers do not depend on the size of its input.
    const Shape input = trial.model.contains("arch") ? Shape{} : usual_input(trial.dataset);
    const auto [entry, is_new] = known.try_emplace(trial.model.dump());
    auto& [name, layers] = entry->second;
    if (is_new) {
      auto graph = build_model(trial.model, input, 0, 0);
      if (!graph.ok()) {
        errors.insert(config.source.error_at("/model", graph.error().message));
        continue;
      }
      name = graph->name;
      layers = layers_with_weights(*graph);
    }
    if (layers.empty()) continue;
    for (const TrialStep& step : trial.steps) check_step(config, step, layers, name, errors);
  }
  if (!errors.empty()) return Error{ErrorCode::kConfig, fmt::format("{}", fmt::join(errors, "\n"))};
  return {};
}

}  // namespace coppice::sweep
