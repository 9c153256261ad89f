#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "coppice/report/write_figures.h"

namespace coppice::report {
namespace {

// gnuplot's point types: filled, and the outline of the same shape.
struct PointType {
  int filled;
  int outline;
};
constexpr size_t kMostSeries = 8;  // With more the key is set smaller, to leave room for the plot.
constexpr PointType kPointTypes[] = {{7, 6}, {9, 8}, {13, 12}, {5, 4}};

/// A series: the points of one colour and one shape, in the order in which a line joins them.
struct Series {
  std::string title;
  std::string colour;
  PointType type;
  std::vector<size_t> points;
};

/// A gnuplot string: in single quotes only the quote itself is special.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (char c : text) {
    if (c == '\'') result += '\'';
    result += c == '\n' ? ' ' : c;
  }
  return result + "'";
}

/// A value that is a word speaks for itself; a number needs its setting's name.
std::string value_title(const Channel& channel, const std::string& label) {
  if (label.empty() || label == "-") return "none";
  const bool is_word = std::isalpha(static_cast<unsigned char>(label.front())) != 0;
  return is_word ? label : channel.name + " " + label;
}

std::string series_title(const Encoding& encoding, size_t colour, size_t shape) {
  const auto& colours = encoding.colours.front();
  std::string title = colours.key.empty() ? "" : value_title(colours, colours.labels[colour]);
  if (encoding.shape.key.empty() || (encoding.shape.labels[shape] == "-" && !title.empty()))
    return title.empty() ? "mean over seeds" : title;
  const auto& label = encoding.shape.labels[shape];
  if (encoding.shape.key == "finetune_epochs") {
    if (label == "none") return title.empty() ? "not fine-tuned" : title;
    const bool only_one = encoding.shape.labels.size() == 2 && encoding.shape.labels[0] == "none";
    return (title.empty() ? "" : title + ", ") + "fine-tuned" + (only_one ? "" : " " + label);
  }
  const bool of_several = encoding.shape.key.find(' ') != std::string::npos;
  return (title.empty() ? "" : title + ", ") +
         (of_several ? label : value_title(encoding.shape, label));
}

std::vector<Series> make_series(const Figure& figure, const Encoding& encoding) {
  const auto& colours = encoding.colours.front();
  const auto paints = palette(colours.labels.size());
  std::vector<Series> all;
  for (size_t c = 0; c < colours.labels.size(); ++c) {
    for (size_t s = 0; s < encoding.shape.labels.size(); ++s) {
      Series series{
          series_title(encoding, c, s), paints[c], kPointTypes[s % std::size(kPointTypes)], {}};
      for (size_t i = 0; i < figure.points.size(); ++i) {
        const size_t group = figure.points[i].group;
        if (colours.place[group] == c && encoding.shape.place[group] == s)
          series.points.push_back(i);
      }
      const auto key = [&](size_t i) {
        return std::make_pair(encoding.order.place[figure.points[i].group], figure.points[i].x);
      };
      std::stable_sort(series.points.begin(), series.points.end(),
                       [&](size_t a, size_t b) { return key(a) < key(b); });
      if (!series.points.empty()) all.push_back(std::move(series));
    }
  }
  return all;
}

std::string tics(const char* axis, const std::vector<double>& ticks) {
  const auto labels = tick_labels(ticks);
  std::string text = fmt::format("set {}tics nomirror out scale 0.5 (", axis);
  for (size_t i = 0; i < ticks.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", quoted(labels[i]), ticks[i]);
  }
  return text + ")\n";
}

std::string point_row(const Figure& figure, size_t i) {
  const auto& point = figure.points[i];
  const double left = std::max(point.x - point.x_deviation, figure.x.low);
  return fmt::format("{} {} {} {} {} {}\n", point.x, point.y, left, point.x + point.x_deviation,
                     point.y - point.y_deviation, point.y + point.y_deviation);
}

std::string data_blocks(const Figure& figure, const std::vector<Series>& all) {
  std::string text;
  for (size_t s = 0; s < all.size(); ++s) {
    text += fmt::format("$series{} << EOD\n", s);
    for (size_t i : all[s].points) text += point_row(figure, i);
    text += fmt::format("EOD\n$ring{} << EOD\n", s);
    for (size_t i : all[s].points) {
      const bool on_front =
          std::find(figure.front.begin(), figure.front.end(), i) != figure.front.end();
      text += on_front ? point_row(figure, i) : "";
    }
    text += "EOD\n";
  }
  text += "$front << EOD\n";
  for (size_t i : figure.front)
    text += fmt::format("{} {}\n", figure.points[i].x, figure.points[i].y);
  if (!figure.front.empty()) {
    text += fmt::format("{} {}\n", figure.x.high, figure.points[figure.front.back()].y);
  }
  text += "EOD\n";
  for (size_t b = 0; b < figure.baselines.size(); ++b) {
    text += fmt::format("$baseline{} << EOD\n{} {}\n{} {}\nEOD\n", b, figure.x.low,
                        figure.baselines[b].y, figure.x.high, figure.baselines[b].y);
  }
  return text;
}

std::string plot_command(const Figure& figure, const std::vector<Series>& all) {
  std::vector<std::string> items;
  for (size_t s = 0; s < all.size(); ++s) {  // The key first: it follows the order of drawing.
    items.push_back(
        fmt::format("$series{} using 1:2 with lines lw 0.6 lc rgb '{}' notitle", s, all[s].colour));
  }
  if (!figure.front.empty()) {
    items.push_back("$front with steps lw 2 lc rgb '#9aa3af' title 'Pareto front'");
  }
  for (size_t b = 0; b < figure.baselines.size(); ++b) {
    items.push_back(fmt::format("$baseline{} with lines lw 1 dt (8,5) lc rgb '#374151' title {}", b,
                                quoted(figure.baselines[b].label)));
  }
  for (size_t s = 0; s < all.size(); ++s) {
    items.push_back(fmt::format(
        "$series{} using 1:2:3:4:5:6 with xyerrorbars pt {} ps 0.6 lw 0.9 lc rgb '{}' notitle", s,
        all[s].type.filled, all[s].colour));
    items.push_back(
        fmt::format("$ring{} using 1:2 with points pt {} ps 0.65 lw 1.1 lc rgb 'black' notitle", s,
                    all[s].type.outline));
    items.push_back(fmt::format("keyentry with points pt {} ps 0.7 lc rgb '{}' title {}",
                                all[s].type.filled, all[s].colour, quoted(all[s].title)));
  }
  return fmt::format("plot {}\n", fmt::join(items, ", \\\n     "));
}

}  // namespace

std::string gnuplot_figure(const Figure& figure, const Encoding& encoding, double top_points) {
  const auto all = make_series(figure, encoding);
  double low = figure.y.low, high = figure.y.high;
  if (top_points > 0) {
    double best = 0;
    for (const auto& point : figure.points) best = std::max(best, point.y + point.y_deviation);
    low = std::max(best - top_points, 0.0);
    high = std::min(best + 0.06 * top_points, 100.0);
  }
  std::string text =
      "set encoding utf8\nset lmargin at screen 0.13\nset rmargin at screen 0.965\nset border 3 lw "
      "0.7 lc rgb '#4b5563'\n";
  text += "set grid lw 0.5 lc rgb '#e5e7eb'\nset bars 0.4\n";
  text += fmt::format(
      "set key tmargin center horizontal Left reverse samplen 1.4 spacing 1 width -3 {}\n",
      all.size() > kMostSeries ? "maxcols 3 font ',5'" : "maxcols 2");
  text += fmt::format("set xlabel {} offset 0,0.3\nset ylabel {} offset -0.4,0\n",
                      quoted(figure.x.title), quoted(figure.y.title));
  if (figure.x.logarithmic) text += "set logscale x\n";
  text += fmt::format("set xrange [{}:{}]\nset yrange [{}:{}]\n", figure.x.low, figure.x.high, low,
                      high);
  text += tics("x", figure.x.ticks) + tics("y", nice_ticks(low, high, false));
  return text + data_blocks(figure, all) + plot_command(figure, all);
}

}  // namespace coppice::report
