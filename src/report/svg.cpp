#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/page.h"

namespace coppice::report {
namespace {

// The picture's size and the frame of the plot inside it, in SVG units.
constexpr double kWidth = 560, kHeight = 400;
constexpr double kLeft = 58, kRight = 545, kTop = 56, kBottom = 350;

double scaled(const Axis& axis, double value, double from, double to) {
  const auto place = [&](double v) { return axis.logarithmic ? std::log(v) : v; };
  const double t = (place(value) - place(axis.low)) / (place(axis.high) - place(axis.low));
  return from + t * (to - from);
}
double x_of(const Figure& figure, double value) { return scaled(figure.x, value, kLeft, kRight); }
double y_of(const Figure& figure, double value) { return scaled(figure.y, value, kBottom, kTop); }

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1,
                     x2, y2, style);
}

std::string text(double x, double y, const std::string& anchor, const std::string& content,
                 const std::string& more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" {}>{}</text>\n", x, y,
                     anchor, more, escape_html(content));
}

std::string symbol(double x, double y, size_t shape, const std::string& style,
                   const std::string& title = "") {
  const std::string inner = title.empty() ? "" : "<title>" + escape_html(title) + "</title>";
  constexpr double r = 5;
  switch (shape % 4) {
    case 0:
      return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" {}>{}</circle>\n", x, y, r,
                         style, inner);
    case 1:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l6 10h-12z\" {}>{}</path>\n", x, y - 6, style,
                         inner);
    case 2:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l5 7l-5 7l-5 -7z\" {}>{}</path>\n", x, y - 7,
                         style, inner);
    default:
      return fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"10\" height=\"10\" {}>{}</rect>\n", x - r, y - r,
          style, inner);
  }
}

std::string axes(const Figure& figure) {
  std::string svg;
  const auto x_labels = tick_labels(figure.x.ticks), y_labels = tick_labels(figure.y.ticks);
  for (size_t i = 0; i < figure.x.ticks.size(); ++i) {
    const double x = x_of(figure, figure.x.ticks[i]);
    svg += line(x, kTop, x, kBottom, "stroke=\"#eef0f3\"");
    svg += text(x, kBottom + 17, "middle", x_labels[i]);
  }
  for (size_t i = 0; i < figure.y.ticks.size(); ++i) {
    const double y = y_of(figure, figure.y.ticks[i]);
    svg += line(kLeft, y, kRight, y, "stroke=\"#eef0f3\"");
    svg += text(kLeft - 7, y + 4, "end", y_labels[i]);
  }
  svg += line(kLeft, kBottom, kRight, kBottom, "stroke=\"#9ca3af\"");
  svg += line(kLeft, kTop, kLeft, kBottom, "stroke=\"#9ca3af\"");
  svg += text((kLeft + kRight) / 2, kHeight - 10, "middle",
              figure.x.title + (figure.x.logarithmic ? ", logarithmic" : ""), "fill=\"#1f2937\"");
  svg += text(-(kTop + kBottom) / 2, 14, "middle", figure.y.title,
              "fill=\"#1f2937\" transform=\"rotate(-90)\"");
  return svg;
}

std::string legend_row(const Channel& channel, double y, bool is_colour) {
  if (channel.key.empty()) return "";
  std::string svg = text(kLeft, y, "start", channel.name, "fill=\"#1f2937\"");
  // About 6.3 units a character at this size.
  double x = kLeft + 6.3 * static_cast<double>(channel.name.size()) + 20;
  const auto colours = palette(channel.labels.size());
  for (size_t i = 0; i < channel.labels.size(); ++i) {
    svg += symbol(x, y - 4, is_colour ? 0 : i,
                  fmt::format("fill=\"{}\"", is_colour ? colours[i] : "#6b7280"));
    svg += text(x + 10, y, "start", channel.labels[i]);
    x += 6.3 * static_cast<double>(channel.labels[i].size()) + 30;
  }
  return svg;
}

std::string front_line(const Figure& figure) {
  if (figure.front.empty()) return "";
  std::string path;
  for (size_t i : figure.front) {
    const double x = x_of(figure, figure.points[i].x), y = y_of(figure, figure.points[i].y);
    path +=
        path.empty() ? fmt::format("M{:.1f} {:.1f}", x, y) : fmt::format("H{:.1f}V{:.1f}", x, y);
  }
  return fmt::format(
      "<path d=\"{}H{:.1f}\" fill=\"none\" stroke=\"#9aa3af\" stroke-width=\"2.5\"/>\n", path,
      kRight);
}

std::string point_marks(const Figure& figure, const Encoding& encoding,
                        const std::vector<Group>& groups) {
  const auto& colour = encoding.colours.front();
  const auto colours = palette(colour.labels.size());
  std::string svg;
  for (size_t i = 0; i < figure.points.size(); ++i) {
    const auto& point = figure.points[i];
    const auto& paint = colours[colour.place[point.group]];
    const double x = x_of(figure, point.x), y = y_of(figure, point.y);
    const std::string stroke = fmt::format("stroke=\"{}\" stroke-width=\"1.4\"", paint);
    svg += line(x, y_of(figure, std::max(point.y - point.y_deviation, figure.y.low)), x,
                y_of(figure, std::min(point.y + point.y_deviation, figure.y.high)), stroke);
    svg += line(x_of(figure, std::max(point.x - point.x_deviation, figure.x.low)), y,
                x_of(figure, std::min(point.x + point.x_deviation, figure.x.high)), y, stroke);
    const bool on_front =
        std::find(figure.front.begin(), figure.front.end(), i) != figure.front.end();
    const std::string title =
        fmt::format("{}\n{}: {} ± {}\n{}: {}", describe_group(groups, point.group), figure.y.title,
                    format_number(point.y, 2), format_number(point.y_deviation, 2), figure.x.title,
                    format_number(point.x, figure.x.unit.decimals));
    svg += symbol(x, y, encoding.shape.place[point.group],
                  fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"{}\"", paint,
                              on_front ? "#111827" : "#ffffff", on_front ? 1.8 : 1.0),
                  title);
  }
  return svg;
}

}  // namespace

std::string svg_figure(const Figure& figure, const Encoding& encoding,
                       const std::vector<Group>& groups) {
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" "
      "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" "
      "fill=\"#4b5563\">\n<title>{}</title>\n",
      kWidth, kHeight, escape_html(figure.title));
  svg += legend_row(encoding.colours.front(), 16, true) + legend_row(encoding.shape, 36, false);
  svg += axes(figure);
  for (const auto& baseline : figure.baselines) {
    const double y = y_of(figure, baseline.y);
    svg += line(kLeft, y, kRight, y,
                "stroke=\"#374151\" stroke-width=\"1.2\" stroke-dasharray=\"6 4\"");
    svg += text(kLeft + 4, y - 5, "start", baseline.label, "font-size=\"11\" fill=\"#374151\"");
  }
  return svg + front_line(figure) + point_marks(figure, encoding, groups) + "</svg>\n";
}

}  // namespace coppice::report
