#include "support/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "coppice/exec/plan.h"

namespace coppice::bench {
namespace {

// Values that a layer sums for one of its outputs.
int64_t summands(const Graph& graph, const Node& node) {
  if (const Parameter* weight = node.parameter("weight")) {
    const bool depthwise = std::holds_alternative<DepthwiseConv2D>(node.op);
    return weight->shape.elements() / (depthwise ? weight->shape.back() : weight->shape[0]);
  }
  if (const auto* pool = std::get_if<AvgPool2D>(&node.op)) return pool->kernel.h * pool->kernel.w;
  if (std::holds_alternative<GlobalAvgPool>(node.op)) {
    const Shape& in = graph.tensors[static_cast<size_t>(node.inputs[0])].shape;
    return in.elements() / in.back();
  }
  return 1;
}

// Those of all layers, one after the other.
int64_t summands(const Graph& graph) {
  int64_t sum = 0;
  for (const Node& node : graph.nodes) sum += summands(graph, node);
  return sum;
}

template <class T>
double largest_difference(const std::vector<T>& a, const std::vector<T>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

}  // namespace

Result<Values> reference_output(const Graph& graph, const Values& input) {
  COPPICE_TRY(const auto plan, exec::compile(graph, {.executor = exec::Executor::kReference}));
  const auto count = static_cast<size_t>(graph.output_shape().elements());
  Values output;
  if (graph.quantized()) {
    output.integer.resize(count);
    plan->run_int8(input.integer, output.integer);
  } else {
    output.real.resize(count);
    plan->run(input.real, output.real);
  }
  return output;
}

Result<double> compare(const Graph& graph, const Values& expected, const Values& found, bool ours) {
  if (expected.real.size() != found.real.size() ||
      expected.integer.size() != found.integer.size()) {
    return Error{ErrorCode::kInvalidArgument, "it gave no output"};
  }
  double difference = 0, bound = 0;
  if (graph.quantized()) {
    difference = largest_difference(expected.integer, found.integer);
    bound = ours ? 0 : static_cast<double>(graph.nodes.size());
  } else {
    difference = largest_difference(expected.real, found.real);
    double largest = 0;
    for (const float value : expected.real) largest = std::max(largest, std::abs(double{value}));
    bound = largest * static_cast<double>(summands(graph)) *
            double{std::numeric_limits<float>::epsilon()};
  }
  if (difference <= bound) return difference;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("wrong: differs by {:.3g} from the reference, {:.3g} are allowed",
                           difference, bound)};
}

}  // namespace coppice::bench
