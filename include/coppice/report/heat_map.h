#pragma once

#include <string>
#include <vector>

namespace coppice::report {

/// Numbers in rows and columns, the larger the darker.
struct HeatMap {
  std::string title;
  std::string value_name;  ///< What the numbers are.
  std::vector<std::string> rows, columns;
  std::vector<std::vector<double>> values;  ///< [row][column]
};

/// A table (HTML) whose cells are shaded from white (0 and below) to blue (the largest value).
std::string html_heat_map(const HeatMap& map);

/// The same as a page of its own.
std::string heat_map_page(const HeatMap& map);

}  // namespace coppice::report
