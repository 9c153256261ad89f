#include "prune/criterion.h"

#include "prune/lookup.h"

namespace coppice::prune {

const std::vector<CriterionEntry>& criterion_entries() {
  static const std::vector<CriterionEntry> entries = {
      {{"magnitude_l1", "sum of |w| (Han et al. 2015, Li et al. 2017)"}, false, make_magnitude<1>},
      {{"magnitude_l2", "root of the sum of w^2"}, false, make_magnitude<2>},
      {{"magnitude_linf", "largest |w|"}, false, make_magnitude<0>},
      {{"random", "uniform random numbers: the control"}, false, make_random},
      {{"lamp", "w^2 over the sum of all w^2 not smaller in the layer (Lee et al. 2021)"},
       false,
       make_lamp},
      {{"snip", "|gradient x weight| (Lee et al. 2019)"}, true, make_snip},
      {{"taylor_signed", "-gradient x weight: first-order change of the loss"},
       true,
       make_taylor_signed},
      {{"taylor_squared",
        "(sum of gradient x weight)^2, mean over batches (Molchanov et al. 2019)"},
       true,
       make_taylor_squared},
      {{"grasp", "weight x Hessian x gradient: keeps gradient flow (Wang et al. 2020)"},
       true,
       make_grasp},
      {{"synflow", "synaptic flow, without data (Tanaka et al. 2020)"}, false, make_synflow},
      {{"fisher", "mean of (gradient x weight)^2 / 2 by sample (Theis et al. 2018)"},
       true,
       make_fisher},
      {{"obd", "w^2 x Hessian diagonal / 2 (LeCun et al. 1990)"}, true, make_obd},
      {{"obs", "w^2 / (inverse Hessian) / 2 by layer, kept weights updated (Hassibi & Stork 1993)"},
       true,
       make_obs},
      {{"movement", "-sum of gradient x weight while training (Sanh et al. 2020)"},
       true,
       make_movement},
      {{"fpgm", "channels: distance to the layer's other filters (He et al. 2019)"},
       false,
       make_fpgm},
      {{"bn_scale", "channels: |gamma| of the batch norm that follows (Liu et al. 2017)"},
       false,
       make_batch_norm_scale},
      {{"apoz", "channels: share of activations above zero (Hu et al. 2016)"}, true, make_apoz},
      {{"activation_mean", "channels: mean |activation| (Molchanov et al. 2017)"},
       true,
       make_mean_activation},
  };
  return entries;
}

const std::vector<Listed>& criteria() {
  static const std::vector<Listed> list = [] {
    std::vector<Listed> names;
    for (const CriterionEntry& entry : criterion_entries()) names.push_back(entry.listed);
    return names;
  }();
  return list;
}

Result<const CriterionEntry*> find_criterion(std::string_view name) {
  for (const CriterionEntry& entry : criterion_entries()) {
    if (entry.listed.name == name) return &entry;
  }
  return unknown_option("criterion", name, criteria());
}

size_t weight_index(const Node& node) {
  return static_cast<size_t>(node.parameter("weight") - node.parameters.data());
}

std::vector<double> sum_by_group(const std::vector<double>& elements, const Groups& groups) {
  std::vector<double> sums(static_cast<size_t>(groups.count), 0.0);
  for (size_t i = 0; i < elements.size(); ++i) {
    sums[static_cast<size_t>(groups.group_of[i])] += elements[i];
  }
  return sums;
}

std::vector<double> ElementCriterion::scores(const Graph& graph, size_t node,
                                             const Groups& groups) const {
  return sum_by_group(element_scores(graph, node), groups);
}

}  // namespace coppice::prune
