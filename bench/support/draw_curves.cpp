#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "coppice/core/gnuplot.h"
#include "support/results.h"

namespace coppice::bench {
namespace {

// A line of a figure; gnuplot reads its points from an inline data block.
std::string data_block(size_t index, const Curve& curve, double dense_us) {
  std::string text = fmt::format("$curve{} << EOD\n", index);
  for (size_t i = 0; i < curve.sparsity.size(); ++i) {
    text += fmt::format("{} {}\n", 100 * curve.sparsity[i], dense_us / curve.time_us[i]);
  }
  return text + "EOD\n";
}

Status draw(const std::vector<Curve>& curves, const std::string& path) {
  const Curve& first = curves.front();
  const bool peer = first.peer_dense_us.has_value();
  const double dense_us = peer ? *first.peer_dense_us : *first.our_dense_us;
  std::string blocks, lines;
  for (size_t i = 0; i < curves.size(); ++i) {
    blocks += data_block(i, curves[i], dense_us);
    lines += fmt::format(", $curve{} using 1:2 with linespoints pointtype 7 title \"{}\"", i,
                         curves[i].granularity);
  }
  if (peer && first.our_dense_us) {
    lines += fmt::format(", {} with lines dashtype 3 linecolor \"gray40\" title \"our dense\"",
                         dense_us / *first.our_dense_us);
  }
  return run_gnuplot(
      fmt::format("set terminal svg size 640,420 noenhanced\nset output \"{}\"\n"
                  "set title \"{}, {}\"\nset xlabel \"sparsity (%)\"\nset key top left\n"
                  "set ylabel \"times faster than {} dense\"\nset xrange [0:100]\n"
                  "set logscale y 2\nset grid\n{}"
                  "plot 1 with lines linecolor \"black\" title \"break-even\"{}\n",
                  path, first.layer, first.type, peer ? "the best peer's" : "our", blocks, lines));
}

}  // namespace

Status draw_curves(const std::vector<Curve>& curves, const std::string& folder) {
  std::map<std::string, std::vector<Curve>> figures;
  for (const Curve& curve : curves) {
    if (!curve.our_dense_us && !curve.peer_dense_us) continue;
    std::string name = curve.layer + "_" + curve.type;
    std::replace(name.begin(), name.end(), '/', '_');
    figures[name].push_back(curve);
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{ErrorCode::kIo, folder + ": " + error.message()};
  for (const auto& [name, lines] : figures) {
    COPPICE_TRY_STATUS(draw(lines, folder + "/" + name + ".svg"));
  }
  return {};
}

}  // namespace coppice::bench
