#include "coppice/report/report.h"

namespace coppice::report {

std::string render_html(const Run& run) {
  return "<!doctype html><meta charset=utf-8><title>Coppice</title><p>" +
         std::to_string(run.records.size()) + " trials";
}

}  // namespace coppice::report
