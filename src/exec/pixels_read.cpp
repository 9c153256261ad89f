#include "exec/pixels_read.h"

#include <algorithm>

#include "coppice/exec/lower.h"

namespace coppice::exec {
namespace {

bool has_window(const Op& op) {
  return std::holds_alternative<Conv2D>(op) || std::holds_alternative<DepthwiseConv2D>(op) ||
         std::holds_alternative<MaxPool2D>(op) || std::holds_alternative<AvgPool2D>(op);
}

Size2 whole(const Shape& shape) { return shape.rank() == 3 ? Size2{shape[0], shape[1]} : Size2{}; }

// How far into its input an output of this size reaches.
Size2 reach(const kernels::Window2D& w, const Size2& output) {
  const int bottom = (output.h - 1) * w.stride_h + (w.kernel_h - 1) * w.dilation_h - w.pad_top;
  const int right = (output.w - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w - w.pad_left;
  return {std::min(bottom + 1, w.in_h), std::min(right + 1, w.in_w)};
}

}  // namespace

std::vector<Size2> pixels_read(const Graph& graph) {
  std::vector<Size2> of_tensor(graph.tensors.size(), Size2{1, 1});
  const auto size_of = [&](int tensor) {
    return whole(graph.tensors[static_cast<size_t>(tensor)].shape);
  };
  const auto read = [&](int tensor, const Size2& size) {
    Size2& most = of_tensor[static_cast<size_t>(tensor)];
    most = {std::max(most.h, size.h), std::max(most.w, size.w)};
  };
  read(graph.output, size_of(graph.output));
  std::vector<Size2> of_node(graph.nodes.size());
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    of_node[n] = of_tensor[static_cast<size_t>(node.output)];
    for (const int input : node.inputs)
      read(input, has_window(node.op) ? reach(window_of(graph, node), of_node[n]) : size_of(input));
  }
  return of_node;
}

}  // namespace coppice::exec
