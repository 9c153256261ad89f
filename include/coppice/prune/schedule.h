#pragma once

#include <string>
#include <vector>

#include "coppice/core/listing.h"
#include "coppice/prune/prune.h"
#include "coppice/train/fit.h"

namespace coppice::prune {

/// When weights go while the network is trained.
struct ScheduleOptions {
  std::string pruning_schedule = "agp";  ///< One of schedules().
  double initial_sparsity = 0;           ///< linear, agp: at the first pruning.
  double prune_begin = 0;                ///< First pruning, as a share of the training.
  double prune_end = 0.6;  ///< Last one: the final sparsity is reached, or the mask settled.
  int prune_every = 20;    ///< Steps between prunings.
  int ticket_rounds = 4;   ///< lottery_ticket: trainings, each followed by pruning and rewinding.
  double regrow_share = 0.3;  ///< rigl: share of a layer's kept groups that moves at first.
};

/// Schedules, in the order of the documentation.
const std::vector<Listed>& schedules();

struct SparseTrainingReport {
  PruneReport pruning;
  train::FitReport training;  ///< Of the last training.
};

/// The sparsity that a schedule asks for after a share of the training, in [0, 1].
double scheduled_sparsity(const ScheduleOptions& options, double final_sparsity, double share);

/// Prunes a float graph while it is trained. The epoch that is kept is one after the final sparsity
/// was reached. Channels are masked on the way and removed at the end.
///
/// one_shot prunes once, at prune_begin. linear and agp (Zhu & Gupta, "To prune, or not to prune",
/// 2017: s_final + (s_initial - s_final) (1 - t)^3) prune every prune_every steps. lottery_ticket
/// trains, prunes and puts the weights that are left back to what they were when this function was
/// called, ticket_rounds times, then trains (Frankle & Carbin, ICLR 2019; on a network that was
/// trained for a few epochs: with rewinding, Frankle et al., ICML 2020). rigl starts at the final
/// sparsity and moves a shrinking share of each layer's groups from the smallest weights to the
/// largest gradients (Evci et al., "Rigging the lottery", ICML 2020).
///
/// With a checkpoint in `training` a stopped run goes on where it was, bit for bit.
Result<SparseTrainingReport> train_sparse(Graph& graph, const data::Dataset& dataset,
                                          const PruneOptions& pruning,
                                          const train::TrainOptions& training,
                                          const ScheduleOptions& schedule,
                                          const train::TrainCallbacks& callbacks = {},
                                          const Graph* teacher = nullptr);

}  // namespace coppice::prune
