#pragma once

#include <string>
#include <vector>

#include "coppice/report/records.h"

namespace coppice::report {

/// The columns of results.csv: the known keys in a fixed order, then the swept settings
/// ("config....") and all others by name, as far as any record has them.
std::vector<std::string> csv_columns(const std::vector<Record>& records);

/// One line a trial as RFC 4180 asks (CRLF, quotes doubled), with a header line. A key that a
/// record does not have is an empty field; numbers keep every digit.
std::string to_csv(const std::vector<Record>& records);

}  // namespace coppice::report
