#pragma once

#include <string>
#include <vector>

#include "coppice/report/metric.h"
#include "coppice/report/records.h"

namespace coppice::report {

/// An axis in the unit that it shows.
struct Axis {
  std::string title;  ///< With the unit: "Flash size (KiB)".
  DisplayUnit unit;
  bool logarithmic = false;
  double low = 0, high = 1;
  std::vector<double> ticks;
};

/// A group's place in a figure, in the axes' units; deviations over seeds.
struct FigurePoint {
  size_t group = 0;
  double x = 0, x_deviation = 0;
  double y = 0, y_deviation = 0;
};

/// A horizontal line that others are compared with.
struct Baseline {
  std::string label;
  double y = 0;
};

/// Test accuracy against one cost, for the groups of one dataset.
struct Figure {
  std::string name;   ///< For files and anchors: "accuracy_flash".
  std::string title;  ///< "Test accuracy against flash size".
  std::string x_key;  ///< The metric that x shows: "flash_bytes".
  Axis x, y;
  std::vector<FigurePoint> points;
  std::vector<size_t> front;  ///< Points on the Pareto front, by increasing x.
  std::vector<Baseline> baselines;
};

/// A setting as a visual channel: the values in their order and each group's place among them.
struct Channel {
  std::string key;                  ///< Of several settings: with blanks; empty when none fits.
  std::string name;                 ///< "weights"
  std::vector<std::string> labels;  ///< "int8", "float32"
  std::vector<size_t> place;        ///< Of each group, its index in `labels`.
};

/// Which settings colour, shape and order tell.
struct Encoding {
  std::vector<Channel> colours;  ///< Choices, the default first; one without key if nothing varies.
  Channel shape;
  Channel order;  ///< How points of one colour and shape follow each other along a line.
};

/// The figures against each metric that at least one group has, for each dataset. An x axis is
/// logarithmic when its values spread by more than a factor of ten; that of a setting has a tick
/// for each value, and no Pareto front.
std::vector<Figure> make_figures(const std::vector<Group>& groups,
                                 const std::vector<Metric>& costs);

/// Colour: the weight bits if they vary, else the first setting that does. Shape: fine-tuning, with
/// what else varies (the executor) as far as four shapes can tell it. A setting `x_key` that the x
/// axis shows is neither.
Encoding make_encoding(const std::vector<Group>& groups, const std::string& x_key = "");

/// The setting `key` as a channel; numbers in numeric order, others in order of appearance.
Channel make_channel(const std::vector<Group>& groups, const std::string& key,
                     const std::string& name);

/// `count` colours that colour-blind readers can tell apart: Okabe and Ito's palette up to seven,
/// beyond that steps of the viridis ramp.
std::vector<std::string> palette(size_t count);

/// Round tick positions in [low, high]: steps of 1, 2 or 5 times a power of ten, or such values
/// themselves on a logarithmic axis.
std::vector<double> nice_ticks(double low, double high, bool logarithmic);

/// A tick's label: thousands separators, as many decimals as the ticks' distance needs.
std::vector<std::string> tick_labels(const std::vector<double>& ticks);

}  // namespace coppice::report
