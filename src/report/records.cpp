#include "coppice/report/records.h"

#include <unordered_map>

#include <fmt/format.h>

#include "coppice/core/file.h"

namespace coppice::report {
namespace {

/// Accepts a parsed line as a record, or says what is wrong with it.
Status check_record(const Record& record, const std::filesystem::path& path, int line) {
  if (record.is_object()) return {};
  const std::string found = record.is_discarded() ? "no valid JSON" : record.type_name();
  return Error{ErrorCode::kCorrupt, fmt::format("{}:{}: expected one JSON object a line, found {}",
                                                path.string(), line, found)};
}

}  // namespace

Result<std::vector<Record>> load_records(const std::filesystem::path& results_jsonl) {
  COPPICE_TRY(const std::string text, read_file(results_jsonl));
  std::vector<Record> records;
  std::unordered_map<std::string, size_t> place_of_trial;
  int line_number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t newline = text.find('\n', begin);
    const bool cut_off = newline == std::string::npos;
    const size_t end = cut_off ? text.size() : newline;
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto record = Record::parse(line, nullptr, /*allow_exceptions=*/false);
    if (cut_off && !record.is_object()) break;
    COPPICE_TRY_STATUS(check_record(record, results_jsonl, line_number));
    const auto id = record.find("trial_id");
    if (id != record.end() && id->is_string()) {
      const auto [entry, is_new] =
          place_of_trial.try_emplace(id->get<std::string>(), records.size());
      if (!is_new) {
        records[entry->second] = std::move(record);
        continue;
      }
    }
    records.push_back(std::move(record));
  }
  return records;
}

bool succeeded(const Record& record) {
  const auto status = record.find("status");
  return status == record.end() || *status == "ok";
}

}  // namespace coppice::report
