#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/report/figure.h"
#include "coppice/report/metric.h"
#include "coppice/report/report.h"

namespace coppice::report {

struct FigureOptions {
  std::vector<std::string> formats = {"svg", "pdf"};  ///< Of "svg", "pdf", "png".
  std::vector<Metric> costs = cost_metrics();  ///< One figure each, as far as trials have it.
  double top_points = 0;  ///< Draw only this many points of accuracy below the best; 0 draws all.
};

/// Draws the report's figures for a paper with gnuplot, one column (8.5 cm) wide, and returns the
/// files written: accuracy_flash.svg, accuracy_flash.pdf, ... Errors: an unknown format, no trial
/// with any of the costs, gnuplot missing or failing.
Result<std::vector<std::filesystem::path>> write_figures(const Run& run,
                                                         const std::filesystem::path& folder,
                                                         const FigureOptions& options);

/// The gnuplot commands of one figure, without terminal and output.
std::string gnuplot_figure(const Figure& figure, const Encoding& encoding, double top_points);

}  // namespace coppice::report
