#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "report/page.h"

namespace coppice::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kTopPoints = 10;      // The zoomed accuracy axis shows this much below the best.
constexpr double kHeadRoom = 0.6;      // Above the best, in points.
constexpr double kCrowdedPoints = 25;  // An axis longer than this starts zoomed.

Json& named(Json& list, const char* name) {
  for (auto& entry : list) {
    if (entry["name"] == name) return entry;
  }
  return list.emplace_back(Json{{"name", name}});
}

Json point_values(const Figure& figure, const Encoding& encoding) {
  Json values = Json::array();
  for (size_t i = 0; i < figure.points.size(); ++i) {
    const auto& point = figure.points[i];
    Json colours = Json::array();
    for (const auto& channel : encoding.colours) {
      colours.push_back(channel.labels[channel.place[point.group]]);
    }
    const bool on_front =
        std::find(figure.front.begin(), figure.front.end(), i) != figure.front.end();
    const double x_low = std::max(point.x - point.x_deviation, figure.x.low);
    values.push_back({{"group", point.group},
                      {"x", point.x},
                      {"xLow", x_low},
                      {"xHigh", point.x + point.x_deviation},
                      {"y", point.y},
                      {"yLow", point.y - point.y_deviation},
                      {"yHigh", point.y + point.y_deviation},
                      {"front", on_front},
                      {"colours", colours},
                      {"shape", encoding.shape.labels[encoding.shape.place[point.group]]},
                      {"order", encoding.order.place[point.group]}});
  }
  return values;
}

/// The front runs on to the right edge: what costs more can always be had at this accuracy.
Json front_values(const Figure& figure) {
  Json values = Json::array();
  for (size_t i : figure.front) {
    values.push_back({{"x", figure.points[i].x}, {"y", figure.points[i].y}});
  }
  if (!values.empty()) values.push_back({{"x", figure.x.high}, {"y", values.back()["y"]}});
  return values;
}

std::pair<double, double> top_range(const Figure& figure) {
  double best = 0;
  for (const auto& point : figure.points) best = std::max(best, point.y + point.y_deviation);
  return {std::max(best - kTopPoints, 0.0), std::min(best + kHeadRoom, 100.0)};
}

size_t points_below(const Figure& figure, double low) {
  return static_cast<size_t>(
      std::count_if(figure.points.begin(), figure.points.end(),
                    [&](const FigurePoint& point) { return point.y < low; }));
}

void fill_signals(Json& signals, const Figure& figure, const Encoding& encoding) {
  Json names = Json::array(), palettes = Json::array(), domains = Json::array();
  for (const auto& channel : encoding.colours) {
    names.push_back(channel.name);
    palettes.push_back(palette(channel.labels.size()));
    domains.push_back(channel.labels);
  }
  named(signals, "colourNames")["value"] = names;
  named(signals, "palettes")["value"] = palettes;
  named(signals, "domains")["value"] = domains;
  const auto [low, high] = top_range(figure);
  const size_t hidden = points_below(figure, low);
  const bool crowded = figure.y.high - figure.y.low > kCrowdedPoints;
  named(signals, "zoom")["value"] = crowded;
  named(signals, "below")["value"] =
      hidden == 0 ? "" : fmt::format("{} configuration{} below", hidden, hidden == 1 ? "" : "s");
  named(signals, "yAll")["value"] = {figure.y.low, figure.y.high};
  named(signals, "yTop")["value"] = {low, high};
  named(signals, "yAllTicks")["value"] = figure.y.ticks;
  named(signals, "yTopTicks")["value"] = nice_ticks(low, high, false);
  named(signals, "xTicks")["value"] = figure.x.ticks;
  named(signals, "xLabels")["value"] = tick_labels(figure.x.ticks);
}

}  // namespace

Json vega_figure(const Figure& figure, const Encoding& encoding) {
  Json spec = Json::parse(kVegaSpec);
  spec["description"] = figure.title;
  fill_signals(spec["signals"], figure, encoding);
  named(spec["data"], "points")["values"] = point_values(figure, encoding);
  named(spec["data"], "front")["values"] = front_values(figure);
  for (const auto& baseline : figure.baselines) {
    named(spec["data"], "baselines")["values"].push_back(
        {{"label", baseline.label}, {"y", baseline.y}});
  }
  auto& x = named(spec["scales"], "x");
  x["type"] = figure.x.logarithmic ? "log" : "linear";
  x["domain"] = {figure.x.low, figure.x.high};
  named(spec["scales"], "shape")["domain"] = encoding.shape.labels;
  if (figure.x.logarithmic) x.erase("zero");
  spec["axes"][0]["title"] = figure.x.title + (figure.x.logarithmic ? ", logarithmic" : "");
  spec["axes"][1]["title"] = figure.y.title;
  if (!encoding.shape.key.empty()) {
    spec["legends"].push_back({{"shape", "shape"},
                               {"title", encoding.shape.name},
                               {"orient", "top"},
                               {"direction", "horizontal"},
                               {"symbolFillColor", "#6b7280"},
                               {"symbolStrokeWidth", 0}});
  }
  return spec;
}

}  // namespace coppice::report
