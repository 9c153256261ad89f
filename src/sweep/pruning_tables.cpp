#include "coppice/prune/granularity.h"
#include "coppice/prune/registry.h"
#include "coppice/prune/rules.h"
#include "coppice/sweep/tables.h"
#include "sweep/table_parts.h"

namespace coppice::sweep {
namespace {

std::string granularity_misfit(const std::string& text) {
  const auto parsed = prune::Granularity::parse(text);
  return parsed.ok() ? "" : parsed.error().message;
}

std::string rule_misfit(const std::string& text) {
  const auto parsed = prune::parse_rule(text);
  return parsed.ok() ? "" : parsed.error().message;
}

template <class T, class Base>
void add_layer_choice(Table& t) {
  t.add("layers", of<T>(&Base::layers),
        "Layers to change: names, globs, or \"op:\" and a kind; empty: all with weights")
      .matches_layers();
  t.add("skip", of<T>(&Base::skip), "Layers to leave alone, in the same way").matches_layers();
}

template <class T>
void add_pruning(Table& t) {
  using P = prune::PruneOptions;
  t.add("sparsity", of<T>(&P::sparsity),
        "Share of weights (of channels, for \"channel\") that go; 0 switches the step off; N:M and "
        "balanced:K/W say it themselves")
      .in_range(0, 1)
      .below(1);
  t.add("granularity", of<T>(&P::granularity),
        "What is removed together: weight, vector:1x4, kernel_row, kernel, block:4x4, 2:4, "
        "balanced:16/64, balanced:64, channel")
      .parsed_by(granularity_misfit);
  listed(t.add("criterion", of<T>(&P::criterion),
               "Score of a group of weights; the smallest are removed"),
         prune::criteria());
  listed(t.add("scope", of<T>(&P::scope), "How the sparsity is shared out among the layers"),
         prune::scopes());
  listed(t.add("cost", of<T>(&P::cost), "\"global\" scope: what a score is divided by"),
         prune::costs());
  add_layer_choice<T, P>(t);
  t.add("rules", of<T>(&P::rules),
        "Exceptions, later ones win: a pattern, then skip, sparsity=, min_sparsity= or "
        "max_sparsity=, such as \"conv_* sparsity=0.5\"")
      .matches_layers()
      .parsed_by(rule_misfit);
  t.add("min_sparsity", of<T>(&P::min_sparsity), "Least sparsity of a layer").in_range(0, 1);
  t.add("max_sparsity", of<T>(&P::max_sparsity), "Largest sparsity of a layer").in_range(0, 1);
  t.add("calibration_samples", of<T>(&P::calibration_samples),
        "Training samples for criteria that look at data")
      .in_range(1, 1000000)
      .in("samples");
  listed(t.add("sensitivity_metric", of<T>(&P::sensitivity_metric),
               "\"sensitivity\" scope: what the scan measures"),
         prune::sensitivity_metrics());
  t.add("sensitivity_samples", of<T>(&P::sensitivity_samples),
        "\"sensitivity\" scope: validation samples of the scan")
      .in_range(1, 1000000)
      .in("samples");
}

template <class T>
void add_channels(Table& t) {
  using P = prune::PruneOptions;
  t.add("remove_channels", of<T>(&P::remove_channels),
        "Channels: make the network smaller, else only mask them");
  t.add("protect_first_last", of<T>(&P::protect_first_last),
        "Channels: the first layer keeps all of its own, as the last one must");
  t.add("round_to", of<T>(&P::round_to),
        "Channels: keep a multiple of it, where a layer has as many")
      .in_range(1, 65536)
      .in("channels");
  t.add("min_channels", of<T>(&P::min_channels), "Channels: keep at least so many")
      .in_range(1, 65536)
      .in("channels");
  listed(t.add("group_reduction", of<T>(&P::group_reduction),
               "Channels: importance of channels that several layers share"),
         prune::group_reductions());
}

Table make_prune() {
  Table t("prune", "Set weights to zero for good, or remove channels");
  add_pruning<PruneStep>(t);
  t.add("rounds", of<PruneStep>(&prune::PruneOptions::rounds),
        "Score anew so often; each round removes the same share of what is left")
      .in_range(1, 10000);
  add_channels<PruneStep>(t);
  t.add("recalibrate_samples", &PruneStep::recalibrate_samples,
        "Training samples on which batch norms take their statistics anew; 0: leave them")
      .in_range(0, 1000000)
      .in("samples");
  return t;
}

Table make_sparsify() {
  using T = SparsifyStep;
  using S = prune::ScheduleOptions;
  Table t("sparsify", "Prune while the network is trained");
  add_pruning<T>(t);
  add_channels<T>(t);
  listed(t.add("pruning_schedule", of<T>(&S::pruning_schedule), "When weights go"),
         prune::schedules());
  t.add("initial_sparsity", of<T>(&S::initial_sparsity),
        "\"linear\", \"agp\": sparsity of the first pruning")
      .in_range(0, 1)
      .below(1);
  t.add("prune_begin", of<T>(&S::prune_begin), "First pruning, as a share of the training")
      .in_range(0, 1);
  t.add("prune_end", of<T>(&S::prune_end),
        "Last pruning, as a share of the training; only epochs after it may be kept")
      .in_range(0, 1);
  t.add("prune_every", of<T>(&S::prune_every), "Steps of training between prunings")
      .in_range(1, 1000000)
      .in("steps");
  t.add("ticket_rounds", of<T>(&S::ticket_rounds),
        "\"lottery_ticket\": trainings that each end in pruning and rewinding")
      .in_range(1, 100);
  t.add("regrow_share", of<T>(&S::regrow_share),
        "\"rigl\": share of a layer's kept groups that moves at first")
      .in_range(0, 1)
      .above(0);
  add_training<T>(t);
  add_distillation<T>(t);
  return t.derive("sparsify", "Prune while the network is trained",
                  {{"epochs", 5}, {"learning_rate", 3e-4}});
}

Table make_unify() {
  using T = UnifyStep;
  using U = prune::UnifyOptions;
  Table t("unify", "Let the weights of a block share one magnitude; signs and zeros stay");
  t.add("share", of<T>(&U::share),
        "Share of each layer's blocks, those that change least; 0 switches the step off")
      .in_range(0, 1);
  t.add("block", of<T>(&U::block), "The block: a granularity such as block:1x4 or block:4x4")
      .parsed_by(granularity_misfit);
  add_layer_choice<T, U>(t);
  add_training<T>(t);
  add_distillation<T>(t);
  return t.derive("unify", t.doc(), {{"epochs", 5}, {"learning_rate", 3e-4}});
}

Table make_cluster() {
  using T = ClusterStep;
  using C = prune::ClusterOptions;
  Table t("cluster", "Let weights share a few values (k-means); pruned zeros stay out of it");
  t.add("clusters", of<T>(&C::clusters), "Values of a codebook; 0 switches the step off")
      .in_range(0, 65536);
  t.add("per_channel", of<T>(&C::per_channel),
        "A codebook for each output channel, else one a layer");
  add_layer_choice<T, C>(t);
  add_training<T>(t);
  add_distillation<T>(t);
  return t.derive("cluster", t.doc(), {{"epochs", 5}, {"learning_rate", 3e-4}});
}

Table make_dead_channels() {
  Table t("remove_dead_channels", "Remove channels that no sample makes active");
  t.add("samples", &DeadChannelStep::samples,
        "Training samples that are looked at; 0 switches the step off")
      .in_range(0, 1000000)
      .in("samples");
  return t;
}

Table make_sensitivity() {
  using T = SensitivityStep;
  using P = prune::PruneOptions;
  using S = prune::SensitivityOptions;
  Table t("sensitivity", "Prune one layer at a time and measure the damage");
  listed(t.add("metric", of<T>(&S::metric), "What is measured"), prune::sensitivity_metrics());
  t.add("sparsities", of<T>(&S::sparsities), "Sparsities that each layer is pruned to")
      .in_range(0, 1)
      .below(1);
  t.add("samples", of<T>(&S::samples), "Samples that are looked at, drawn by seed")
      .in_range(1, 1000000)
      .in("samples");
  t.add("granularity", of<T>(&P::granularity), "What is removed together")
      .parsed_by(granularity_misfit);
  listed(t.add("criterion", of<T>(&P::criterion), "Score of a group of weights"),
         prune::criteria());
  add_layer_choice<T, P>(t);
  t.add("protect_first_last", of<T>(&P::protect_first_last), "Channels: leave out the first layer");
  return t;
}

}  // namespace

const Table& prune_table() {
  static const Table table = make_prune();
  return table;
}
const Table& sparsify_table() {
  static const Table table = make_sparsify();
  return table;
}
const Table& unify_table() {
  static const Table table = make_unify();
  return table;
}
const Table& cluster_table() {
  static const Table table = make_cluster();
  return table;
}
const Table& dead_channel_table() {
  static const Table table = make_dead_channels();
  return table;
}
const Table& sensitivity_table() {
  static const Table table = make_sensitivity();
  return table;
}

}  // namespace coppice::sweep
