#pragma once

#include <string>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/data/dataset.h"
#include "coppice/quant/sensitivity.h"

namespace coppice::cli {

/// `coppice sensitivity --quantize`: prints the scan as a table, the layer that loses most first,
/// or with `json` as one JSON list; with a `figure` path it draws the divergences (SVG, by
/// gnuplot).
Status show_quantization_scan(const Graph& graph, const data::Dataset& dataset,
                              const quant::SensitivityOptions& options, bool json,
                              const std::string& figure);

}  // namespace coppice::cli
