#pragma once

// What the parts of report.html share; not installed.

#include <optional>
#include <string>
#include <string_view>

#include "coppice/report/figure.h"
#include "coppice/report/report.h"
#include "coppice/report/table.h"

namespace coppice::report {

extern const std::string_view kPageStyle;   ///< The page's CSS.
extern const std::string_view kPageScript;  ///< Sorting, expanding, figures; works without Vega.
extern const std::string_view kVegaSpec;    ///< A figure without its data: a Vega specification.

/// Text as HTML content or a quoted attribute value.
std::string escape_html(std::string_view text);

/// JSON that may stand inside a script element: no "<" is left, so nothing can close it.
std::string script_json(const nlohmann::ordered_json& value);

/// Library code that may stand inside a script element.
std::string script_code(std::string code);

/// Vega as one script that defines `vega`, or why there is none.
struct VegaScript {
  std::string code;
  std::string missing;  ///< A sentence when `code` is empty.
};
VegaScript load_vega();

/// The figure as a Vega specification with its data.
nlohmann::ordered_json vega_figure(const Figure& figure, const Encoding& encoding);

/// The figure as an SVG element of its own, with titles as tooltips.
std::string svg_figure(const Figure& figure, const Encoding& encoding,
                       const std::vector<Group>& groups);

/// A group in a few words: "int8, sparsity 80 %, fine-tuning 5 epochs".
std::string describe_group(const std::vector<Group>& groups, size_t index);

/// The sortable table, a group's row before its seeds' rows.
std::string html_table(const Run& run, const Table& table);

/// Heat maps of the records' sensitivity scans; empty when there are none.
std::string html_sensitivity(const Run& run);

/// Failed trials with their errors; empty when there are none.
std::string html_failures(const Run& run);

/// The tiles above the figures: the baseline, and what stays within a point of it.
std::string html_highlights(const Run& run);

/// The environment and how to run this again.
std::string html_origin(const Run& run);

}  // namespace coppice::report
