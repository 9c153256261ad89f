#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "prune/layer_job.h"

namespace coppice::prune {
namespace {

// Groups in the order in which they are removed: those already gone, then by score, then by index.
std::vector<int64_t> removal_order(const Job& job) {
  std::vector<int64_t> order(static_cast<size_t>(job.groups.count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const auto i = static_cast<size_t>(a), j = static_cast<size_t>(b);
    if (job.removed[i] != job.removed[j]) return static_cast<bool>(job.removed[i]);
    return !job.removed[i] && job.scores[i] < job.scores[j];
  });
  return order;
}

// Removes round(sparsity * groups) groups of one layer, those already gone included; of a pattern,
// what each window does not keep.
void remove_share(const Granularity& granularity, double sparsity, Job& job) {
  const std::vector<int64_t> order = removal_order(job);
  if (job.groups.window_of.empty()) {
    const auto wanted = std::llround(sparsity * static_cast<double>(job.groups.count));
    const auto target = static_cast<size_t>(std::min<int64_t>(wanted, job.most_removed));
    for (size_t i = 0; i < target; ++i) job.removed[static_cast<size_t>(order[i])] = true;
    return;
  }
  std::vector<int64_t> left;  // To remove, by window.
  for (const int64_t size : job.groups.window_sizes) {
    left.push_back(size - granularity.kept_in_window(size, sparsity));
  }
  for (const int64_t group : order) {
    int64_t& more = left[static_cast<size_t>(job.groups.window_of[static_cast<size_t>(group)])];
    if (more <= 0) continue;
    job.removed[static_cast<size_t>(group)] = true;
    --more;
  }
}

double within(const LayerRule& rule, double sparsity) {
  return std::clamp(sparsity, rule.min_sparsity, rule.max_sparsity);
}

struct Candidate {
  size_t job;
  int64_t group;
  double rank;  // Score by cost.
};

std::vector<Candidate> candidates_of(const std::vector<Job>& jobs) {
  std::vector<Candidate> candidates;
  for (size_t j = 0; j < jobs.size(); ++j) {
    if (jobs[j].rule.sparsity) continue;
    for (int64_t g = 0; g < jobs[j].groups.count; ++g) {
      const auto at = static_cast<size_t>(g);
      if (jobs[j].removed[at]) continue;
      candidates.push_back({j, g, jobs[j].scores[at] / jobs[j].costs[at]});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.rank < b.rank; });
  return candidates;
}

// One ranking over all layers, in which layers that have given enough are passed over.
void choose_global(const Granularity& granularity, double sparsity, std::vector<Job>& jobs) {
  double removed = 0, total = 0;
  std::vector<double> removed_of, most_of;
  std::vector<int64_t> groups_left;
  for (Job& job : jobs) {
    remove_share(granularity, job.rule.sparsity.value_or(job.rule.min_sparsity), job);
    const auto weights = static_cast<double>(job.weights());
    total += weights;
    removed_of.push_back(static_cast<double>(job.weights_removed()));
    removed += removed_of.back();
    most_of.push_back(job.rule.max_sparsity * weights);
    groups_left.push_back(job.most_removed -
                          std::count(job.removed.begin(), job.removed.end(), true));
  }
  const double target = std::round(sparsity * total);
  for (const Candidate& candidate : candidates_of(jobs)) {
    Job& job = jobs[candidate.job];
    const auto size = static_cast<double>(job.groups.sizes[static_cast<size_t>(candidate.group)]);
    if (removed + size / 2 > target) break;  // One more would be farther off than none.
    if (removed_of[candidate.job] + size > most_of[candidate.job] + 1e-9) continue;
    if (groups_left[candidate.job] <= 0) continue;
    job.removed[static_cast<size_t>(candidate.group)] = true;
    --groups_left[candidate.job];
    removed_of[candidate.job] += size;
    removed += size;
  }
}

// The sensitivity curve at any sparsity: 0 at 0, linear between the scanned points, never falling.
double curve_at(const std::vector<double>& at, const std::vector<double>& values, double sparsity) {
  double previous_at = 0, previous = 0, highest = 0;
  for (size_t i = 0; i < at.size(); ++i) {
    highest = std::max(highest, values[i]);
    if (sparsity <= at[i]) {
      const double share =
          at[i] > previous_at ? (sparsity - previous_at) / (at[i] - previous_at) : 1.0;
      return previous + share * (highest - previous);
    }
    previous_at = at[i];
    previous = highest;
  }
  return sparsity > previous_at ? std::numeric_limits<double>::infinity() : highest;
}

double largest_within(const std::vector<double>& at, const std::vector<double>& values,
                      double threshold) {
  double low = 0, high = at.empty() ? 0.0 : at.back();
  if (curve_at(at, values, high) <= threshold) return high;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    (curve_at(at, values, middle) <= threshold ? low : high) = middle;
  }
  return low;
}

// Bisects `level` until the layers' sparsities sum up to the target; where they jump past it, in
// between.
template <class SparsityAt>
std::vector<double> solve_level(const std::vector<Job>& jobs, double sparsity, double low,
                                double high, SparsityAt sparsity_at) {
  double target = 0;
  for (const Job& job : jobs) target += sparsity * static_cast<double>(job.weights());
  const auto removed_at = [&](double level, std::vector<double>& sparsities) {
    double removed = 0;
    sparsities.resize(jobs.size());
    for (size_t j = 0; j < jobs.size(); ++j) {
      sparsities[j] = within(jobs[j].rule, sparsity_at(j, level));
      removed += sparsities[j] * static_cast<double>(jobs[j].weights());
    }
    return removed;
  };
  std::vector<double> below, above;
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (removed_at(middle, below) < target ? low : high) = middle;
  }
  const double least = removed_at(low, below), most = removed_at(high, above);
  const double share = most > least ? std::clamp((target - least) / (most - least), 0.0, 1.0) : 1.0;
  for (size_t j = 0; j < jobs.size(); ++j) below[j] += share * (above[j] - below[j]);
  return below;
}

}  // namespace

int64_t Job::weights() const {
  return std::accumulate(groups.sizes.begin(), groups.sizes.end(), int64_t{0});
}

int64_t Job::weights_removed() const {
  int64_t sum = 0;
  for (size_t g = 0; g < removed.size(); ++g) sum += removed[g] ? groups.sizes[g] : 0;
  return sum;
}

std::vector<double> erk_sparsities(const std::vector<Job>& jobs, double sparsity) {
  // Density = min(1, scale * unscaled): the more scale, the less sparsity.
  double most = 1;
  for (const Job& job : jobs) most = std::max(most, 1.0 / std::max(job.erk_density, 1e-12));
  return solve_level(jobs, sparsity, -most, 0.0, [&](size_t j, double level) {
    return 1.0 - std::min(1.0, -level * jobs[j].erk_density);
  });
}

std::vector<double> equal_sensitivity(const std::vector<Job>& jobs, const SensitivityCurves& curves,
                                      double sparsity) {
  double most = 0;
  for (const auto& values : curves.values) {
    for (const double value : values) most = std::max(most, value);
  }
  return solve_level(jobs, sparsity, -1.0, most, [&](size_t j, double level) {
    return largest_within(curves.sparsities, curves.values[j], level);
  });
}

Status choose(const PruneOptions& options, const Granularity& granularity, double sparsity,
              const SensitivityCurves* curves, std::vector<Job>& jobs) {
  if (options.scope == "global") {
    if (granularity.is_pattern()) {
      return Error{ErrorCode::kConfig,
                   fmt::format("granularity \"{}\" keeps the same share in each window; it cannot "
                               "be ranked with scope \"global\"",
                               granularity.name())};
    }
    choose_global(granularity, sparsity, jobs);
    return {};
  }
  std::vector<double> sparsities(jobs.size(), sparsity);
  if (options.scope == "erk") sparsities = erk_sparsities(jobs, sparsity);
  if (options.scope == "sensitivity") sparsities = equal_sensitivity(jobs, *curves, sparsity);
  for (size_t j = 0; j < jobs.size(); ++j) {
    const double wanted = jobs[j].rule.sparsity.value_or(within(jobs[j].rule, sparsities[j]));
    remove_share(granularity, wanted, jobs[j]);
  }
  return {};
}

}  // namespace coppice::prune
