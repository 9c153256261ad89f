#pragma once

#include <vector>

#include "coppice/core/listing.h"

namespace coppice::prune {

/// What can be named in the options of pruning, in the order of the documentation.
const std::vector<Listed>& criteria();
const std::vector<Listed>& granularities();  ///< RxC, N:M and K/W stand for numbers.
const std::vector<Listed>& scopes();
const std::vector<Listed>& costs();
const std::vector<Listed>& group_reductions();
const std::vector<Listed>& sensitivity_metrics();

}  // namespace coppice::prune
