#include "sweep/work_tree.h"

#include <map>

#include "coppice/sweep/tables.h"

namespace coppice::sweep {
namespace {

class TreeBuilder {
 public:
  explicit TreeBuilder(const std::filesystem::path& folder) : folder_(folder) {}

  void add(const Trial& trial, int index) {
    int node = find_or_add(trial.initial_key, trial, nullptr, -1, index);
    for (const TrialStep& step : trial.steps) {
      if (!find_step_kind(step.name)->changes_model) continue;
      node = find_or_add(step.key, trial, &step, node, index);
    }
    tree_.node_of_trial.push_back(node);
    at(node).trials.push_back(index);
    at(node).users += 1;
    need(node);
  }

  WorkTree take() && { return std::move(tree_); }

 private:
  WorkNode& at(int index) { return tree_.nodes[static_cast<size_t>(index)]; }

  int find_or_add(const std::string& key, const Trial& trial, const TrialStep* step, int parent,
                  int index) {
    const auto [entry, is_new] = by_key_.try_emplace(key, static_cast<int>(tree_.nodes.size()));
    if (is_new) {
      WorkNode node;
      node.key = key;
      node.trial = &trial;
      node.step = step;
      node.parent = parent;
      node.priority = index;
      node.stored = std::filesystem::exists(model_path(folder_, key));
      tree_.nodes.push_back(std::move(node));
    }
    return entry->second;
  }

  void need(int index) {
    if (at(index).needed) return;
    at(index).needed = true;
    const int parent = at(index).parent;
    if (at(index).stored || parent < 0) {
      tree_.roots.push_back(index);
      return;
    }
    at(parent).children.push_back(index);
    at(parent).users += 1;
    need(parent);
  }

  const std::filesystem::path& folder_;
  WorkTree tree_;
  std::map<std::string, int> by_key_;
};

}  // namespace

WorkTree build_work_tree(const std::vector<Trial>& trials, const std::filesystem::path& folder) {
  TreeBuilder builder(folder);
  for (size_t i = 0; i < trials.size(); ++i) builder.add(trials[i], static_cast<int>(i));
  return std::move(builder).take();
}

std::filesystem::path model_path(const std::filesystem::path& folder, const std::string& key) {
  return folder / (key + ".safetensors");
}

}  // namespace coppice::sweep
