#include "coppice/prune/schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "prune/layer_job.h"
#include "prune/lookup.h"
#include "prune/regrow.h"

namespace coppice::prune {
namespace {

using Json = nlohmann::ordered_json;

std::string to_text(const PruneReport& report) {
  Json layers = Json::array();
  for (const LayerSparsity& layer : report.layers) {
    layers.push_back({layer.layer, layer.weights, layer.kept});
  }
  return Json{report.sparsity_requested, report.sparsity_achieved, std::move(layers)}.dump();
}

Result<PruneReport> report_from_text(const std::string& text) {
  PruneReport report;
  try {
    const Json json = Json::parse(text);
    report.sparsity_requested = json.at(0);
    report.sparsity_achieved = json.at(1);
    for (const Json& layer : json.at(2)) {
      report.layers.push_back({layer.at(0), layer.at(1), layer.at(2)});
    }
  } catch (const Json::exception& error) {
    return Error{ErrorCode::kCorrupt,
                 fmt::format("not the state of a gradual pruning: {}", error.what())};
  }
  return report;
}

std::string fingerprint_of(const PruneOptions& o, const ScheduleOptions& s, double sparsity) {
  return fmt::format("{} {} {} {} {} {} [{}] [{}] [{}] {} {} {} {} {} {} {} {} {} {} {} {} {} {}",
                     sparsity, o.granularity, o.criterion, o.scope, o.cost, o.group_reduction,
                     fmt::join(o.layers, ","), fmt::join(o.skip, ","), fmt::join(o.rules, ","),
                     o.min_sparsity, o.max_sparsity, o.calibration_samples, o.seed,
                     o.sensitivity_metric, o.sensitivity_samples, o.protect_first_last, o.round_to,
                     o.min_channels, s.pruning_schedule, s.initial_sparsity, s.prune_begin,
                     s.prune_end, s.prune_every);
}

// Prunes every few steps between two points of a training.
class GradualPruning : public train::TrainingHook {
 public:
  GradualPruning(const Graph& graph, const data::Dataset& dataset, const PruneOptions& options,
                 const ScheduleOptions& schedule, double final_sparsity, const Evidence& evidence)
      : graph_(graph),
        dataset_(dataset),
        options_(options),
        schedule_(schedule),
        final_sparsity_(final_sparsity),
        evidence_(evidence) {}

  Status after_step(int64_t step, int64_t steps, train::ModelAccess& model) override {
    const int64_t first = first_step(steps), last = last_step(steps);
    if (step < first || step > last) return {};
    if (step != last && (step - first) % schedule_.prune_every != 0) return {};
    const double share = static_cast<double>(step) / static_cast<double>(steps);
    const double sparsity =
        step == last ? final_sparsity_ : scheduled_sparsity(schedule_, final_sparsity_, share);
    model.read(graph_);
    COPPICE_TRY(report, apply_at(graph_, options_, sparsity, evidence_, &dataset_));
    model.write(graph_);
    return {};
  }

  bool settled(int64_t step, int64_t steps) const override { return step >= last_step(steps); }

  std::string fingerprint() const override {
    return fingerprint_of(options_, schedule_, final_sparsity_);
  }
  std::string state() const override { return to_text(report); }
  Status restore(const std::string& state) override {
    COPPICE_TRY(report, report_from_text(state));
    return {};
  }

  PruneReport report;

 private:
  int64_t first_step(int64_t steps) const {
    const auto step = std::llround(schedule_.prune_begin * static_cast<double>(steps));
    return std::clamp<int64_t>(step, 1, steps);
  }
  int64_t last_step(int64_t steps) const {
    if (schedule_.pruning_schedule == "one_shot") return first_step(steps);
    const auto step = std::llround(schedule_.prune_end * static_cast<double>(steps));
    return std::clamp<int64_t>(step, first_step(steps), steps);
  }

  Graph graph_;
  const data::Dataset& dataset_;
  const PruneOptions& options_;
  const ScheduleOptions& schedule_;
  double final_sparsity_;
  const Evidence& evidence_;
};

Status check_schedule(const ScheduleOptions& options, const train::TrainOptions& training) {
  COPPICE_TRY_STATUS(check_listed("schedule", options.pruning_schedule, schedules()));
  const auto error = [](const char* name, double value, const char* expected) {
    return Error{ErrorCode::kConfig, fmt::format("{} is {}, expected {}", name, value, expected)};
  };
  if (training.epochs < 1) return error("epochs", training.epochs, "1 or more");
  if (options.prune_every < 1) return error("prune_every", options.prune_every, "1 or more");
  if (options.ticket_rounds < 1) return error("ticket_rounds", options.ticket_rounds, "1 or more");
  if (!(options.prune_begin >= 0 && options.prune_begin <= options.prune_end)) {
    return error("prune_begin", options.prune_begin, "within [0, prune_end]");
  }
  if (!(options.prune_end <= 1)) return error("prune_end", options.prune_end, "at most 1");
  if (!(options.initial_sparsity >= 0 && options.initial_sparsity < 1)) {
    return error("initial_sparsity", options.initial_sparsity, "within [0, 1)");
  }
  if (!(options.regrow_share > 0 && options.regrow_share <= 1)) {
    return error("regrow_share", options.regrow_share, "within (0, 1]");
  }
  return {};
}

// Everything that stays the same for one call of train_sparse.
struct Task {
  const data::Dataset& dataset;
  const PruneOptions& pruning;
  const train::TrainOptions& training;
  const ScheduleOptions& schedule;
  const train::TrainCallbacks& callbacks;
  const Graph* teacher;
  double sparsity;
  const Evidence& evidence;

  Result<train::FitReport> fit(Graph& graph, train::TrainingHook* hook) const {
    return train::fit(graph, dataset, training, callbacks, {teacher, hook});
  }

  // The checkpoint of a training before the last one: once whole, it stands for that training.
  std::filesystem::path round_checkpoint(int round) const {
    auto path = training.checkpoint;
    return path.empty() ? path : path += fmt::format(".round{}", round);
  }
  Result<train::FitReport> fit_round(Graph& graph, int round) const {
    train::TrainOptions options = training;
    options.checkpoint = round_checkpoint(round);
    return train::fit(graph, dataset, options, callbacks, {teacher, nullptr});
  }
};

Result<SparseTrainingReport> train_gradually(Graph& graph, const Task& task) {
  GradualPruning hook(graph, task.dataset, task.pruning, task.schedule, task.sparsity,
                      task.evidence);
  SparseTrainingReport report;
  COPPICE_TRY(report.training, task.fit(graph, &hook));
  report.pruning = std::move(hook.report);
  return report;
}

// Puts every value back, under the mask that was found.
void rewind(const Graph& start, Graph& graph) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (size_t p = 0; p < graph.nodes[n].parameters.size(); ++p) {
      Parameter& parameter = graph.nodes[n].parameters[p];
      parameter.value = start.nodes[n].parameters[p].value;
      apply_mask(parameter);
    }
  }
}

Result<SparseTrainingReport> train_ticket(Graph& graph, const Task& task) {
  const Graph start = graph;
  SparseTrainingReport report;
  for (int round = 1; round <= task.schedule.ticket_rounds; ++round) {
    COPPICE_TRY(report.training, task.fit_round(graph, round));
    const double share = static_cast<double>(round) / task.schedule.ticket_rounds;
    const double sparsity = round == task.schedule.ticket_rounds
                                ? task.sparsity
                                : 1 - std::pow(1 - task.sparsity, share);
    COPPICE_TRY(report.pruning,
                apply_at(graph, task.pruning, sparsity, task.evidence, &task.dataset));
    rewind(start, graph);
  }
  COPPICE_TRY(report.training, task.fit(graph, nullptr));
  for (int round = 1; round <= task.schedule.ticket_rounds; ++round) {
    std::error_code ignored;
    std::filesystem::remove(task.round_checkpoint(round), ignored);
  }
  return report;
}

Result<SparseTrainingReport> train_regrowing(Graph& graph, const Task& task) {
  SparseTrainingReport report;
  COPPICE_TRY(report.pruning,
              apply_at(graph, task.pruning, task.sparsity, task.evidence, &task.dataset));
  COPPICE_TRY(const auto granularity, Granularity::parse(task.pruning.granularity));
  Regrowth hook(graph, granularity, task.schedule, report.pruning);
  COPPICE_TRY(report.training, task.fit(graph, &hook));
  return report;
}

}  // namespace

const std::vector<Listed>& schedules() {
  static const std::vector<Listed> list = {
      {"one_shot", "at once, then train on"},
      {"linear", "iterative: the same number of weights every few steps"},
      {"agp", "iterative, cubic: many weights early, few late (Zhu & Gupta 2017)"},
      {"lottery_ticket", "train, prune, rewind, several times (Frankle & Carbin 2019)"},
      {"rigl", "sparse from the start; masks move to large gradients (Evci et al. 2020)"},
  };
  return list;
}

double scheduled_sparsity(const ScheduleOptions& options, double final_sparsity, double share) {
  if (options.pruning_schedule == "one_shot") {
    return share >= options.prune_begin ? final_sparsity : 0.0;
  }
  const double length = std::max(options.prune_end - options.prune_begin, 1e-12);
  const double t = std::clamp((share - options.prune_begin) / length, 0.0, 1.0);
  const double initial = std::min(options.initial_sparsity, final_sparsity);
  const double left = options.pruning_schedule == "linear" ? 1 - t : std::pow(1 - t, 3);
  return final_sparsity + (initial - final_sparsity) * left;
}

Result<SparseTrainingReport> train_sparse(Graph& graph, const data::Dataset& dataset,
                                          const PruneOptions& pruning,
                                          const train::TrainOptions& training,
                                          const ScheduleOptions& schedule,
                                          const train::TrainCallbacks& callbacks,
                                          const Graph* teacher) {
  COPPICE_TRY_STATUS(check_schedule(schedule, training));
  COPPICE_TRY(const double sparsity, requested_sparsity(pruning));
  COPPICE_TRY(const Granularity granularity, Granularity::parse(pruning.granularity));
  COPPICE_TRY(const auto data, calibration_data(pruning, &dataset));
  PruneOptions masking = pruning;
  masking.remove_channels = false;
  masking.rounds = 1;
  const Task task{dataset,   masking, training, schedule,
                  callbacks, teacher, sparsity, data->evidence};
  Graph result = graph;
  const bool regrows = schedule.pruning_schedule == "rigl";
  if (regrows && (granularity.is_channel() || granularity.is_pattern())) {
    return Error{ErrorCode::kConfig,
                 fmt::format("schedule \"rigl\" moves single groups of weights; granularity \"{}\" "
                             "does not let it",
                             granularity.name())};
  }
  COPPICE_TRY(auto report, regrows ? train_regrowing(result, task)
                           : schedule.pruning_schedule == "lottery_ticket"
                               ? train_ticket(result, task)
                               : train_gradually(result, task));
  report.pruning.sparsity_requested = sparsity;
  if (granularity.is_channel() && pruning.remove_channels) {
    COPPICE_TRY_STATUS([&]() -> Status {
      const auto removed = remove_masked_channels(result);
      if (!removed.ok()) return removed.error();
      return {};
    }());
  }
  graph = std::move(result);
  return report;
}

}  // namespace coppice::prune
