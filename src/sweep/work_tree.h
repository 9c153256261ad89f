#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coppice/graph/graph.h"
#include "coppice/sweep/grid.h"

namespace coppice::sweep {

/// A model that trials pass through: the initial one, or one after a step.
struct WorkNode {
  std::string key;
  const Trial* trial = nullptr;     ///< The first trial that passes here.
  const TrialStep* step = nullptr;  ///< What makes it from its parent; null for an initial model.
  int parent = -1;
  int priority = 0;           ///< Index of that trial: earlier trials are served first.
  bool stored = false;        ///< Its file is there already: the parent is not needed for it.
  bool needed = false;        ///< Some trial of this run needs it.
  std::vector<int> children;  ///< Needed nodes that are made from this one.
  std::vector<int> trials;    ///< Trials whose finished model this is.
  int users = 0;              ///< Children and trials that still need the model.
  std::shared_ptr<const Graph> model;  ///< While made and needed.
  std::optional<Error> error;          ///< Why it could not be made; its children inherit it.
};

/// The steps of many trials, each shared step once: a forest with one tree an initial model.
struct WorkTree {
  std::vector<WorkNode> nodes;
  std::vector<int> roots;  ///< Needed nodes that need no other: stored ones and initial models.
  std::vector<int> node_of_trial;  ///< By the trial's index: the node of its finished model.
};

/// Builds the tree for `trials`, whose models live in `folder` as <key>.safetensors.
WorkTree build_work_tree(const std::vector<Trial>& trials, const std::filesystem::path& folder);

/// Path of a node's model file.
std::filesystem::path model_path(const std::filesystem::path& folder, const std::string& key);

}  // namespace coppice::sweep
