#include "coppice/report/report.h"

#include "coppice/core/file.h"
#include "coppice/report/csv.h"

namespace coppice::report {
namespace {

/// A JSON file of the run folder; null when it is not there. Configs may hold comments.
Result<nlohmann::ordered_json> load_optional_json(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return nlohmann::ordered_json();
  COPPICE_TRY(const std::string text, read_file(path));
  try {
    return nlohmann::ordered_json::parse(text, nullptr, true, /*ignore_comments=*/true);
  } catch (const nlohmann::json::exception& error) {
    return Error{ErrorCode::kCorrupt, path.string() + ": expected JSON: " + error.what()};
  }
}

std::string run_name(const std::filesystem::path& folder, const nlohmann::ordered_json& config) {
  if (config.is_object()) {
    if (const auto name = config.find("name"); name != config.end() && name->is_string()) {
      return name->get<std::string>();
    }
  }
  const auto clean = std::filesystem::absolute(folder).lexically_normal();
  return (clean.has_filename() ? clean : clean.parent_path()).filename().string();
}

}  // namespace

Result<Run> load_run(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    return Error{ErrorCode::kNotFound, folder.string() + ": there is no such run folder"};
  }
  const auto results = folder / "results.jsonl";
  if (!std::filesystem::exists(results)) {
    return Error{ErrorCode::kNotFound,
                 results.string() + ": not there; a sweep's folder was expected"};
  }
  Run run;
  run.folder = folder;
  COPPICE_TRY(run.records, load_records(results));
  if (run.records.empty()) {
    return Error{ErrorCode::kCorrupt,
                 results.string() + ": no finished trial; at least one was expected"};
  }
  COPPICE_TRY(run.config, load_optional_json(folder / "config.resolved.json"));
  COPPICE_TRY(run.environment, load_optional_json(folder / "env.json"));
  run.name = run_name(folder, run.config);
  add_accuracy_drops(run.records);
  run.groups = group_by_seed(run.records);
  return run;
}

Status write_report(const Run& run) {
  COPPICE_TRY_STATUS(write_file_atomic(run.folder / "results.csv", to_csv(run.records)));
  return write_file_atomic(run.folder / "report.html", render_html(run));
}

Status write_report(const std::filesystem::path& run_folder) {
  COPPICE_TRY(const Run run, load_run(run_folder));
  return write_report(run);
}

}  // namespace coppice::report
