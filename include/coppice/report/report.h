#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/report/records.h"

namespace coppice::report {

/// A run folder as it was read.
struct Run {
  std::filesystem::path folder;
  std::string name;                    ///< The config's name, else the folder's.
  nlohmann::ordered_json config;       ///< config.resolved.json, or null.
  nlohmann::ordered_json environment;  ///< env.json, or null.
  std::vector<Record> records;
  std::vector<Group> groups;
};

/// Reads a run folder. results.jsonl must be there with at least one record; config.resolved.json
/// and env.json may be missing, but not broken.
Result<Run> load_run(const std::filesystem::path& folder);

/// The whole page: header, table, figures. Self-contained; with Vega when it is installed (or where
/// COPPICE_VEGA_JS says: a file or a folder of modules), else with plain SVG figures.
std::string render_html(const Run& run);

/// Writes results.csv and report.html into the run folder, each as a whole.
Status write_report(const Run& run);
Status write_report(const std::filesystem::path& run_folder);

}  // namespace coppice::report
