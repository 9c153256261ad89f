#include "coppice/prune/granularity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "coppice/core/text.h"
#include "coppice/prune/registry.h"

namespace coppice::prune {
namespace {

// "AxB" for a separator 'x': two positive numbers and nothing else.
std::optional<std::pair<int64_t, int64_t>> parse_pair(std::string_view text, char separator) {
  int64_t first = 0, second = 0;
  const char* end = text.data() + text.size();
  const auto [middle, code] = std::from_chars(text.data(), end, first);
  if (code != std::errc() || middle == end || *middle != separator) return std::nullopt;
  const auto [last, second_code] = std::from_chars(middle + 1, end, second);
  if (second_code != std::errc() || last != end || first < 1 || second < 1) return std::nullopt;
  return std::pair{first, second};
}

Error parse_error(std::string_view text) {
  std::vector<std::string_view> names;
  for (const Listed& entry : granularities()) names.push_back(entry.name);
  return Error{
      ErrorCode::kConfig,
      fmt::format("unknown pruning granularity \"{}\"; expected one of {} with numbers for "
                  "the capital letters{}",
                  text, fmt::join(names, ", "), did_you_mean(text, names))};
}

// Fills Groups from a function (row, column) -> any number that is equal within a group.
template <class Label>
Groups group_by(const WeightMatrix& matrix, int64_t labels, Label label) {
  Groups groups;
  groups.group_of.resize(static_cast<size_t>(matrix.rows * matrix.columns));
  groups.count = labels;
  groups.sizes.assign(static_cast<size_t>(labels), 0);
  for (int64_t row = 0; row < matrix.rows; ++row) {
    for (int64_t column = 0; column < matrix.columns; ++column) {
      const int64_t group = label(row, column);
      groups.group_of[static_cast<size_t>(matrix.element(row, column))] = group;
      ++groups.sizes[static_cast<size_t>(group)];
    }
  }
  return groups;
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

Groups tiles(const WeightMatrix& matrix, int64_t tile_rows, int64_t tile_columns) {
  const int64_t across = ceil_div(matrix.columns, tile_columns);
  return group_by(matrix, ceil_div(matrix.rows, tile_rows) * across,
                  [=](int64_t r, int64_t c) { return r / tile_rows * across + c / tile_columns; });
}

// Single weights, in windows along each row.
Groups windows(const WeightMatrix& matrix, int64_t window) {
  Groups groups;
  groups.count = matrix.rows * matrix.columns;
  groups.group_of.resize(static_cast<size_t>(groups.count));
  std::iota(groups.group_of.begin(), groups.group_of.end(), 0);
  groups.sizes.assign(static_cast<size_t>(groups.count), 1);
  Groups tiled = tiles(matrix, 1, window);
  groups.window_of = std::move(tiled.group_of);
  groups.window_sizes = std::move(tiled.sizes);
  return groups;
}

}  // namespace

WeightMatrix weight_matrix(const Node& node, const Parameter& weight) {
  WeightMatrix matrix;
  const Shape& shape = weight.shape;
  if (std::holds_alternative<DepthwiseConv2D>(node.op)) {
    matrix.rows = shape[2];
    matrix.transposed = true;
    matrix.kernel_h = shape[0];
    matrix.kernel_w = shape[1];
  } else if (std::holds_alternative<Conv2D>(node.op)) {
    matrix.rows = shape[0];
    matrix.kernel_h = shape[1];
    matrix.kernel_w = shape[2];
    matrix.inputs = shape[3];
  } else {
    matrix.rows = shape[0];
    matrix.inputs = static_cast<int>(shape.elements() / std::max(1, shape[0]));
  }
  matrix.columns = int64_t{matrix.kernel_h} * matrix.kernel_w * matrix.inputs;
  return matrix;
}

const std::vector<Listed>& granularities() {
  static const std::vector<Listed> list = {
      {"weight", "each weight by itself (unstructured)"},
      {"vector:RxC", "R outputs x 1 or 1 x C consecutive inputs of an output: 1x4, 1x8, 4x1, 16x1"},
      {"kernel_row", "the weights of one row of a kernel"},
      {"kernel", "one KxK plane: an input channel of an output channel"},
      {"block:RxC", "R output channels x C consecutive inputs: 4x4"},
      {"N:M", "N of M consecutive inputs of an output are kept: 2:4, 1:4, 1:8, 4:8"},
      {"balanced:K/W", "K of each window of W inputs are kept; balanced:W takes K from sparsity"},
      {"channel", "an output channel with all that depends on it; removed, not only zeroed"},
  };
  return list;
}

Result<Granularity> Granularity::parse(std::string_view text) {
  Granularity result;
  result.name_ = text;
  const auto after = [&](std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix ? text.substr(prefix.size())
                                                   : std::string_view();
  };
  if (text == "weight") return result;
  if (text == "kernel_row") return result.kind_ = Kind::kKernelRow, result;
  if (text == "kernel") return result.kind_ = Kind::kKernel, result;
  if (text == "channel") return result.kind_ = Kind::kChannel, result;
  const bool is_vector = !after("vector:").empty();
  if (const auto tile = parse_pair(is_vector ? after("vector:") : after("block:"), 'x')) {
    if (is_vector && tile->first != 1 && tile->second != 1) return parse_error(text);
    result.tile_rows_ = tile->first;
    result.tile_columns_ = tile->second;
    return result;
  }
  result.kind_ = Kind::kPattern;
  const std::string_view balanced = after("balanced:");
  auto pattern = parse_pair(text, ':');
  if (!pattern) pattern = parse_pair(balanced, '/');
  if (pattern && pattern->first <= pattern->second) {
    result.kept_ = pattern->first;
    result.window_ = pattern->second;
    return result;
  }
  const char* end = balanced.data() + balanced.size();
  const auto [last, code] = std::from_chars(balanced.data(), end, result.window_);
  if (pattern || code != std::errc() || last != end || result.window_ < 1) return parse_error(text);
  return result;
}

std::optional<double> Granularity::fixed_sparsity() const {
  if (kind_ != Kind::kPattern || kept_ == 0) return std::nullopt;
  return 1.0 - static_cast<double>(kept_) / static_cast<double>(window_);
}

Groups Granularity::partition(const Node& node, const Parameter& weight) const {
  const WeightMatrix matrix = weight_matrix(node, weight);
  switch (kind_) {
    case Kind::kTile:
      return tiles(matrix, tile_rows_, tile_columns_);
    case Kind::kKernelRow: {
      const int64_t across = int64_t{matrix.kernel_h} * matrix.inputs;
      const int64_t row_columns = int64_t{matrix.kernel_w} * matrix.inputs;
      return group_by(matrix, matrix.rows * across, [&](int64_t r, int64_t c) {
        return r * across + c / row_columns * matrix.inputs + c % matrix.inputs;
      });
    }
    case Kind::kKernel:
      return group_by(matrix, matrix.rows * matrix.inputs,
                      [&](int64_t r, int64_t c) { return r * matrix.inputs + c % matrix.inputs; });
    case Kind::kPattern:
      return windows(matrix, window_);
    case Kind::kChannel:
      return tiles(matrix, 1, std::max<int64_t>(1, matrix.columns));
  }
  return {};
}

int64_t Granularity::kept_in_window(int64_t size, double sparsity) const {
  const auto left = std::llround(static_cast<double>(size) * (1.0 - sparsity));
  if (kept_ == 0) return left;
  return std::max<int64_t>(left, ceil_div(size * kept_, window_));
}

}  // namespace coppice::prune
