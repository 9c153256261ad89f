#pragma once

#include <vector>

#include "coppice/sweep/grid.h"
#include "coppice/sweep/runner.h"

namespace coppice::sweep {

/// A guess at the time that trials will take.
struct Estimate {
  double seconds = 0;
  int steps = 0;  ///< Steps to run, each shared one counted once.
};

/// Counts multiply-accumulates: of each training step that has no stored model yet (samples x
/// epochs x 3, for the backward pass costs twice the forward one) and of each evaluation, at rates
/// that were measured once for this program. Opens the datasets for their sizes; writes nothing.
Result<Estimate> estimate_time(const std::vector<Trial>& trials, const RunOptions& options);

}  // namespace coppice::sweep
