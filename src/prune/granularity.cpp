#include "prune/granularity.h"

#include <numeric>

#include "prune/lookup.h"

namespace coppice::prune {
namespace {

// Each weight by itself ("unstructured").
class SingleWeight : public Granularity {
 public:
  Groups partition(const Node&, const Parameter& weight) const override {
    Groups groups;
    groups.count = static_cast<int64_t>(weight.value.size());
    groups.group_of.resize(weight.value.size());
    std::iota(groups.group_of.begin(), groups.group_of.end(), 0);
    return groups;
  }
};

const Registered<Granularity> kGranularities[] = {
    {{"weight", "each weight by itself (unstructured)"},
     [] { return std::unique_ptr<Granularity>(new SingleWeight); }},
};

}  // namespace

const std::vector<NamedOption>& granularities() {
  static const std::vector<NamedOption> options = options_of(kGranularities);
  return options;
}

Result<std::unique_ptr<Granularity>> make_granularity(std::string_view name) {
  return make_registered("granularity", name, kGranularities);
}

}  // namespace coppice::prune
