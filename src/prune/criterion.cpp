#include "prune/criterion.h"

#include <cmath>

#include "prune/lookup.h"

namespace coppice::prune {
namespace {

// Sum of |w| over the group (Han et al., NeurIPS 2015; for filters Li et al., ICLR 2017).
class MagnitudeL1 : public Criterion {
 public:
  std::vector<double> scores(const Graph&, const Node&, const Parameter& weight,
                             const Groups& groups) const override {
    std::vector<double> sums(static_cast<size_t>(groups.count), 0.0);
    for (size_t i = 0; i < weight.value.size(); ++i) {
      sums[static_cast<size_t>(groups.group_of[i])] += std::fabs(weight.value[i]);
    }
    return sums;
  }
};

const Registered<Criterion> kCriteria[] = {
    {{"magnitude_l1", "sum of |w| over the group (Han et al. 2015)"},
     [] { return std::unique_ptr<Criterion>(new MagnitudeL1); }},
};

}  // namespace

const std::vector<NamedOption>& criteria() {
  static const std::vector<NamedOption> options = options_of(kCriteria);
  return options;
}

Result<std::unique_ptr<Criterion>> make_criterion(std::string_view name) {
  return make_registered("criterion", name, kCriteria);
}

}  // namespace coppice::prune
