#include "coppice/report/figure.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "coppice/report/pareto.h"

namespace coppice::report {
namespace {

constexpr double kLogarithmicFrom = 10;  // Spread of the x values.
constexpr double kMargin = 0.06;         // Of the axis, on each side.

std::string with_unit(const std::string& title, const DisplayUnit& unit) {
  return unit.name.empty() ? title : title + " (" + unit.name + ")";
}

/// Room around [low, high]; a single value gets a tenth of itself.
void set_range(Axis& axis, double low, double high) {
  if (axis.logarithmic) {
    const double margin = std::pow(high / low, kMargin);
    axis.low = low / margin;
    axis.high = high * margin;
  } else {
    const double span = high > low ? high - low : std::max(std::abs(high) * 0.1, 1e-3);
    axis.low = low - span * kMargin;
    axis.high = high + span * kMargin;
    if (low >= 0) axis.low = std::max(axis.low, 0.0);
  }
  axis.ticks = nice_ticks(axis.low, axis.high, axis.logarithmic);
}

std::vector<double> distinct_values(const std::vector<FigurePoint>& points) {
  std::set<double> values;
  for (const auto& point : points) values.insert(point.x);
  return {values.begin(), values.end()};
}

Axis cost_axis(const std::vector<FigurePoint>& points, const Metric& cost,
               const DisplayUnit& unit) {
  Axis axis{with_unit(cost.title, unit), unit, false, 0, 1, {}};
  double low = points.front().x, high = low;
  for (const auto& point : points) {
    low = std::min(low, point.x);
    high = std::max(high, point.x);
  }
  axis.logarithmic = low > 0 && high / low > kLogarithmicFrom;
  for (const auto& point : points) {
    const double left = point.x - point.x_deviation;
    if (!axis.logarithmic || left > low / 2) low = std::min(low, left);
    high = std::max(high, point.x + point.x_deviation);
  }
  set_range(axis, low, high);
  if (!is_setting(cost.key)) return axis;
  axis.ticks = distinct_values(points);
  if (low == 0) axis.low = -kMargin * high;  // Dense is a point like others, not an edge.
  return axis;
}

Axis accuracy_axis(const std::vector<FigurePoint>& points, const DisplayUnit& unit) {
  Axis axis{with_unit(kTestAccuracy.title, unit), unit, false, 0, 1, {}};
  double low = points.front().y, high = low;
  for (const auto& point : points) {
    low = std::min(low, point.y - point.y_deviation);
    high = std::max(high, point.y + point.y_deviation);
  }
  set_range(axis, std::max(low, 0.0), std::min(high, 100.0));
  return axis;
}

std::string file_name(const std::string& text) {
  std::string name;
  for (char c : text) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

std::vector<Baseline> figure_baselines(const std::vector<Group>& groups,
                                       const std::vector<size_t>& members) {
  const auto all = baseline_groups(groups);
  std::vector<Baseline> baselines;
  for (size_t i : all) {
    const auto* accuracy = groups[i].find(kTestAccuracy.key);
    if (accuracy == nullptr || std::find(members.begin(), members.end(), i) == members.end())
      continue;
    baselines.push_back({setting_text("arch", groups[i].settings), accuracy->mean * 100});
  }
  if (baselines.size() == 1) baselines.front().label = "baseline";
  for (auto& baseline : baselines) {
    if (baselines.size() > 1) baseline.label = "baseline " + baseline.label;
  }
  return baselines;
}

Figure make_figure(const std::vector<Group>& groups, const std::vector<size_t>& members,
                   const Metric& cost) {
  Figure figure;
  const auto y_unit = display_unit(kTestAccuracy.quantity, 1);
  const auto x_unit = display_unit(cost.quantity, largest_mean(groups, cost));
  std::vector<Candidate> candidates;
  for (size_t i : members) {
    const auto* accuracy = groups[i].find(kTestAccuracy.key);
    const auto* value = groups[i].find(cost.key);
    if (accuracy == nullptr || value == nullptr) continue;
    figure.points.push_back({i, value->mean * x_unit.factor, value->deviation * x_unit.factor,
                             accuracy->mean * y_unit.factor, accuracy->deviation * y_unit.factor});
    candidates.push_back({accuracy->mean, value->mean});
  }
  if (figure.points.empty()) return figure;
  figure.x = cost_axis(figure.points, cost, x_unit);
  figure.y = accuracy_axis(figure.points, y_unit);
  if (!is_setting(cost.key)) figure.front = pareto_front(candidates);
  figure.baselines = figure_baselines(groups, members);
  figure.x_key = cost.key;
  figure.name = std::string("accuracy_") + cost.name;
  std::string against = cost.title;
  if (against.rfind("Cortex", 0) != 0) against[0] = static_cast<char>(std::tolower(against[0]));
  figure.title = "Test accuracy against " + against;
  return figure;
}

}  // namespace

std::vector<Figure> make_figures(const std::vector<Group>& groups,
                                 const std::vector<Metric>& costs) {
  std::vector<std::pair<std::string, std::vector<size_t>>> datasets;
  for (size_t i = 0; i < groups.size(); ++i) {
    const std::string name = setting_text("dataset", groups[i].settings);
    auto known = std::find_if(datasets.begin(), datasets.end(),
                              [&](const auto& entry) { return entry.first == name; });
    if (known == datasets.end()) known = datasets.insert(datasets.end(), {name, {}});
    known->second.push_back(i);
  }
  std::vector<Figure> figures;
  for (const auto& [dataset, members] : datasets) {
    for (const auto& cost : costs) {
      auto figure = make_figure(groups, members, cost);
      if (figure.points.empty()) continue;
      if (datasets.size() > 1) {
        figure.name += "_" + file_name(dataset);
        figure.title += ", " + dataset;
      }
      figures.push_back(std::move(figure));
    }
  }
  return figures;
}

}  // namespace coppice::report
