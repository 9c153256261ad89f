#pragma once

#include <vector>

#include "coppice/prune/granularity.h"
#include "coppice/prune/prune.h"
#include "coppice/prune/schedule.h"
#include "coppice/train/fit.h"

namespace coppice::prune {

/// RigL: every few steps a layer's smallest kept groups are dropped and as many of the removed
/// groups with the largest gradients come back at zero (Evci et al., "Rigging the lottery: making
/// all tickets winners", ICML 2020). The share that moves falls as half a cosine to 0 at prune_end.
class Regrowth : public train::TrainingHook {
 public:
  /// `graph` is masked already; the layers are those of `report`.
  Regrowth(const Graph& graph, const Granularity& granularity, const ScheduleOptions& schedule,
           const PruneReport& report);

  Status after_step(int64_t step, int64_t steps, train::ModelAccess& model) override;
  bool settled(int64_t step, int64_t steps) const override;
  std::string fingerprint() const override;

 private:
  struct Layer {
    size_t node = 0;
    size_t parameter = 0;
    Groups groups;
  };
  int64_t last_step(int64_t steps) const;
  void move(const Layer& layer, double share, const std::vector<float>& gradient);

  Graph graph_;
  const ScheduleOptions& schedule_;
  std::vector<Layer> layers_;
};

}  // namespace coppice::prune
