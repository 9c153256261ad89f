#include "coppice/report/write_figures.h"

#include <algorithm>

#include <fmt/format.h>

#include "coppice/core/gnuplot.h"

namespace coppice::report {
namespace {

struct Terminal {
  const char* format;
  const char* command;
};

// One column of a two-column paper. SVG and PNG at twice and four times the nominal 96 dpi.
constexpr Terminal kTerminals[] = {
    {"svg",
     "set terminal svg noenhanced size 642,514 font 'Helvetica,18' lw 1.8 dynamic background "
     "'white'"},
    {"pdf",
     "set terminal pdfcairo noenhanced color size 8.5cm,6.8cm font 'Helvetica,7' fontscale 0.85"},
    {"png",
     "set terminal pngcairo noenhanced size 1284,1028 font 'Helvetica,7' fontscale 4 lw 3.5 "
     "pointscale 3.5"},
};

const Terminal* find_terminal(const std::string& format) {
  const auto* found =
      std::find_if(std::begin(kTerminals), std::end(kTerminals),
                   [&](const Terminal& terminal) { return terminal.format == format; });
  return found == std::end(kTerminals) ? nullptr : found;
}

std::string output_command(const std::filesystem::path& path) {
  std::string escaped;
  for (char c : path.string()) escaped += c == '\'' ? std::string("''") : std::string(1, c);
  return "set output '" + escaped + "'\n";
}

Status create_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (!code) return {};
  return Error{ErrorCode::kIo, "cannot create " + folder.string() + ": " + code.message()};
}

}  // namespace

Result<std::vector<std::filesystem::path>> write_figures(const Run& run,
                                                         const std::filesystem::path& folder,
                                                         const FigureOptions& options) {
  const auto figures = make_figures(run.groups, options.costs);
  if (figures.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 (run.folder / "results.jsonl").string() +
                     ": no trial has a test accuracy and the value to draw it against"};
  }
  COPPICE_TRY_STATUS(create_folder(folder));
  std::vector<std::filesystem::path> written;
  for (const auto& format : options.formats) {
    const auto* terminal = find_terminal(format);
    if (terminal == nullptr) {
      return Error{ErrorCode::kInvalidArgument,
                   "figure format \"" + format + "\" is unknown; svg, pdf or png was expected"};
    }
    for (const auto& figure : figures) {
      const auto encoding = make_encoding(run.groups, figure.x_key);
      written.push_back(folder / (figure.name + "." + format));
      COPPICE_TRY_STATUS(
          run_gnuplot(std::string(terminal->command) + "\n" + output_command(written.back()) +
                      gnuplot_figure(figure, encoding, options.top_points) + "unset output\n"));
    }
  }
  return written;
}

}  // namespace coppice::report
