#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/graph/graph.h"
#include "coppice/prune/granularity.h"
#include "coppice/prune/registry.h"
#include "coppice/train/probe.h"

namespace coppice::prune {

/// What a criterion may look at beside the weights.
struct Evidence {
  const train::SampleSet* samples = nullptr;  ///< Calibration samples; nullptr: there are none.
  uint64_t seed = 0;
  int threads = 0;
};

/// How much the network would lose with a group of weights: the smallest scores go first.
class Criterion {
 public:
  virtual ~Criterion() = default;

  /// Looks at the model as it is, once before its layers are scored.
  virtual Status prepare(const Graph&, const Evidence&) { return {}; }

  /// One score for each group of the "weight" of graph.nodes[node].
  virtual std::vector<double> scores(const Graph& graph, size_t node,
                                     const Groups& groups) const = 0;

  /// Whether scores belong to whole output channels and say nothing about parts of them.
  virtual bool for_channels_only() const { return false; }

  /// Changes kept weights of a pruned layer to make up for the loss.
  virtual Status compensate(Graph&, size_t /*node*/) const { return {}; }
};

/// Base of criteria that score single weights; a group has the sum of its elements' scores.
class ElementCriterion : public Criterion {
 public:
  std::vector<double> scores(const Graph& graph, size_t node, const Groups& groups) const override;

 protected:
  virtual std::vector<double> element_scores(const Graph& graph, size_t node) const = 0;
};

using MakeCriterion = std::unique_ptr<Criterion> (*)();

/// An entry of the list of criteria.
struct CriterionEntry {
  Listed listed;
  bool needs_samples;
  MakeCriterion make;
};
const std::vector<CriterionEntry>& criterion_entries();

/// The entry of that name, or an error that lists the names.
Result<const CriterionEntry*> find_criterion(std::string_view name);

// By file: criteria_magnitude.cpp, criteria_gradient.cpp, criteria_structure.cpp, criteria_obs.cpp.
template <int kOrder>
std::unique_ptr<Criterion> make_magnitude();  ///< Order 1, 2; 0: the largest.
std::unique_ptr<Criterion> make_random();
std::unique_ptr<Criterion> make_lamp();
std::unique_ptr<Criterion> make_snip();
std::unique_ptr<Criterion> make_taylor_signed();
std::unique_ptr<Criterion> make_taylor_squared();
std::unique_ptr<Criterion> make_grasp();
std::unique_ptr<Criterion> make_synflow();
std::unique_ptr<Criterion> make_fisher();
std::unique_ptr<Criterion> make_obd();
std::unique_ptr<Criterion> make_movement();
std::unique_ptr<Criterion> make_obs();
std::unique_ptr<Criterion> make_fpgm();
std::unique_ptr<Criterion> make_batch_norm_scale();
std::unique_ptr<Criterion> make_apoz();
std::unique_ptr<Criterion> make_mean_activation();

/// The weight of a node; it must have one.
inline const Parameter& weight_of(const Graph& graph, size_t node) {
  return *graph.nodes[node].parameter("weight");
}
/// Its place among the node's parameters.
size_t weight_index(const Node& node);

/// Sums element scores by group.
std::vector<double> sum_by_group(const std::vector<double>& elements, const Groups& groups);

}  // namespace coppice::prune
