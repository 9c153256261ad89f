#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "coppice/report/figure.h"

namespace coppice::report {
namespace {

constexpr double kMostTicks = 7;
constexpr double kSlack = 1e-9;  // Relative: keeps a tick that rounding moved off the end.

std::vector<double> linear_ticks(double low, double high) {
  const double span = high - low;
  double step = std::pow(10, std::floor(std::log10(span / kMostTicks)));
  for (double factor : {2.0, 2.5, 2.0}) {  // 1, 2, 5, 10
    if (span / step <= kMostTicks) break;
    step *= factor;
  }
  std::vector<double> ticks;
  const auto first = static_cast<int64_t>(std::ceil(low / step - kSlack));
  const auto last = static_cast<int64_t>(std::floor(high / step + kSlack));
  for (int64_t i = first; i <= last; ++i) ticks.push_back(static_cast<double>(i) * step);
  return ticks;
}

std::vector<double> log_ticks(double low, double high) {
  const bool dense = std::log10(high / low) <= kMostTicks / 3;
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::ceil(std::log10(high)));
  std::vector<double> ticks;
  for (int decade = first; decade <= last; ++decade) {
    for (double mantissa : {1.0, 2.0, 5.0}) {
      const double value = mantissa * std::pow(10, decade);
      if (!dense && mantissa != 1.0) continue;
      if (value >= low * (1 - kSlack) && value <= high * (1 + kSlack)) ticks.push_back(value);
    }
  }
  return ticks;
}

}  // namespace

std::vector<double> nice_ticks(double low, double high, bool logarithmic) {
  if (!(high > low) || (logarithmic && low <= 0)) return {low};
  return logarithmic ? log_ticks(low, high) : linear_ticks(low, high);
}

std::vector<std::string> tick_labels(const std::vector<double>& ticks) {
  double smallest = ticks.empty() ? 1 : std::max(std::abs(ticks.front()), 1e-12);
  for (size_t i = 1; i < ticks.size(); ++i) smallest = std::min(smallest, ticks[i] - ticks[i - 1]);
  if (ticks.size() > 1 && ticks.front() != 0) {
    smallest = std::min(smallest, std::max(std::abs(ticks.front()), 1e-12));
  }
  int decimals = 0;
  for (double unit = 1; decimals < 9 && smallest < unit * (1 - kSlack); unit /= 10) ++decimals;
  std::vector<std::string> labels;
  for (double tick : ticks) {
    std::string text = format_number(tick, decimals);
    if (text.find('.') != std::string::npos) {  // 0.5, 1, 2 on one logarithmic axis.
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
    }
    labels.push_back(text);
  }
  return labels;
}

}  // namespace coppice::report
