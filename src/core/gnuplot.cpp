#include "coppice/core/gnuplot.h"

#include "coppice/core/process.h"

namespace coppice {
namespace {

// gnuplot frames its complaint with blank lines and repeats the offending script line, which can
// be a record of numbers: the last line that says something is the reason.
std::string reason(const std::string& errors) {
  const auto end = errors.find_last_not_of(" \n\r\t");
  if (end == std::string::npos) return "it said nothing";
  const auto begin = errors.find_last_of('\n', end);
  return errors.substr(begin == std::string::npos ? 0 : begin + 1, end + 1 - (begin + 1));
}

}  // namespace

Status run_gnuplot(const std::string& script) {
  if (!program_exists("gnuplot")) {
    return Error{ErrorCode::kNotFound,
                 "drawing a figure needs gnuplot, which is not installed "
                 "(Debian: apt-get install gnuplot-nox)"};
  }
  auto run = run_process({"gnuplot"}, true, script);
  if (!run.ok()) return run.error();
  if (run->exit_code != 0) {
    return Error{ErrorCode::kIo, "gnuplot failed: " + reason(run->errors)};
  }
  return {};
}

}  // namespace coppice
