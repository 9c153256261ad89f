#pragma once

#include <string>

#include "coppice/core/result.h"
#include "coppice/prune/sensitivity.h"

namespace coppice::cli {

/// What `coppice sensitivity` does with a scan besides printing it.
struct PruningScanOutput {
  std::string csv;      ///< File with one line for each layer and sparsity; empty: none.
  std::string html;     ///< Heat map; empty: none.
  double allocate = 0;  ///< Above 0: print the rules that reach this sparsity.
};

/// `coppice sensitivity` of pruning: prints the scan of `model` as a table and writes the files.
Status show_pruning_scan(const std::string& model, const prune::SensitivityReport& report,
                         const PruningScanOutput& output);

}  // namespace coppice::cli
