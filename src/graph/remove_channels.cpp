#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "coppice/graph/dependency.h"
#include "coppice/graph/readers.h"

namespace coppice {
namespace {

size_t index_of(int64_t i) { return static_cast<size_t>(i); }

Status check(const Graph& graph, const ChannelDependencies& dependencies,
             const std::vector<bool>& removed) {
  if (removed.size() != dependencies.sets.size()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: {} choices for {} channel sets", graph.name, removed.size(),
                             dependencies.sets.size())};
  }
  for (const Node& node : graph.nodes) {
    for (const Parameter& parameter : node.parameters) {
      if (!parameter.quantized) continue;
      return Error{ErrorCode::kUnsupported,
                   fmt::format("{}: layer \"{}\" is quantized; remove channels of the float model",
                               graph.name, node.name)};
    }
  }
  for (size_t s = 0; s < removed.size(); ++s) {
    const ChannelGroup& group = dependencies.groups[index_of(dependencies.sets[s].group)];
    if (!removed[s] || group.fixed_by.empty()) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: a channel is fixed by {}", graph.name, group.fixed_by)};
  }
  for (size_t t = 0; t < graph.tensors.size(); ++t) {
    const auto& sets = dependencies.set_of[t];
    const bool all =
        std::all_of(sets.begin(), sets.end(), [&](int set) { return removed[index_of(set)]; });
    if (!all) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: tensor \"{}\" would lose all of its {} channels", graph.name,
                             graph.tensors[t].name, sets.size())};
  }
  return {};
}

// For each channel of a tensor, or each element behind a fully connected layer's columns: kept?
class Keep {
 public:
  Keep(const ChannelDependencies& dependencies, const std::vector<bool>& removed)
      : dependencies_(dependencies), removed_(removed) {}

  std::vector<bool> channels(int tensor) const {
    std::vector<bool> keep;
    for (const int set : dependencies_.set_of[index_of(tensor)]) {
      keep.push_back(!removed_[index_of(set)]);
    }
    return keep;
  }

  // The axes of a parameter: which indices along each are kept.
  std::vector<std::vector<bool>> axes(const Node& node, const Parameter& parameter) const {
    std::vector<std::vector<bool>> keep;
    for (const int size : parameter.shape) keep.emplace_back(index_of(size), true);
    const std::vector<bool> out = channels(node.output);
    if (parameter.name != "weight" || std::holds_alternative<DepthwiseConv2D>(node.op)) {
      keep.back() = out;
      return keep;
    }
    keep.front() = out;
    const std::vector<bool> in = channels(node.inputs[0]);
    // A convolution with groups has the columns of one group, and all groups keep the same.
    for (size_t i = 0; i < keep.back().size(); ++i) keep.back()[i] = in[i % in.size()];
    return keep;
  }

 private:
  const ChannelDependencies& dependencies_;
  const std::vector<bool>& removed_;
};

// Calls visit(element) for each element that is kept along all axes (or for the others).
template <class Visit>
void for_each_element(const Shape& shape, const std::vector<std::vector<bool>>& keep, Visit visit) {
  for (int64_t element = 0; element < shape.elements(); ++element) {
    bool kept = true;
    int64_t rest = element;
    for (int axis = shape.rank(); axis-- > 0; rest /= shape[axis]) {
      kept = kept && keep[index_of(axis)][index_of(rest % shape[axis])];
    }
    visit(index_of(element), kept);
  }
}

void shrink(Parameter& parameter, const std::vector<std::vector<bool>>& keep) {
  Parameter smaller;
  smaller.name = parameter.name;
  smaller.shape = parameter.shape;
  for (int axis = 0; axis < parameter.shape.rank(); ++axis) {
    const auto& along = keep[index_of(axis)];
    smaller.shape[axis] = static_cast<int>(std::count(along.begin(), along.end(), true));
  }
  for_each_element(parameter.shape, keep, [&](size_t element, bool kept) {
    if (!kept) return;
    smaller.value.push_back(parameter.value[element]);
    if (!parameter.mask.empty()) smaller.mask.push_back(parameter.mask[element]);
  });
  parameter = std::move(smaller);
}

void mask(Parameter& parameter, const std::vector<std::vector<bool>>& keep) {
  std::vector<uint8_t> result = parameter.mask;
  result.resize(parameter.value.size(), 1);
  bool any = false;
  for_each_element(parameter.shape, keep, [&](size_t element, bool kept) {
    if (kept) return;
    result[element] = 0;
    any = true;
  });
  if (!any) return;
  parameter.mask = std::move(result);
  apply_mask(parameter);
}

// A smaller layer has less to drop; see dropout_rate() of train/.
void scale_dropout(const Graph& before, Graph& after) {
  const auto weights = [](const Graph& graph, const std::vector<size_t>& readers) {
    int64_t count = 0;
    for (const size_t n : readers) count += graph.nodes[n].parameter("weight")->shape.elements();
    return static_cast<double>(count);
  };
  for (size_t n = 0; n < after.nodes.size(); ++n) {
    auto* dropout = std::get_if<Dropout>(&after.nodes[n].op);
    const auto readers = weighted_readers(before, n);
    if (dropout == nullptr || readers.empty()) continue;
    const double kept = weights(after, readers) / weights(before, readers);
    dropout->rate *= static_cast<float>(std::sqrt(kept));
  }
}

}  // namespace

Result<Graph> remove_channels(const Graph& graph, const ChannelDependencies& dependencies,
                              const std::vector<bool>& removed) {
  COPPICE_TRY_STATUS(check(graph, dependencies, removed));
  const Keep keep(dependencies, removed);
  Graph result = graph;
  for (size_t t = 0; t < result.tensors.size(); ++t) {
    const auto channels = keep.channels(static_cast<int>(t));
    Shape& shape = result.tensors[t].shape;
    shape[shape.rank() - 1] = static_cast<int>(std::count(channels.begin(), channels.end(), true));
  }
  for (Node& node : result.nodes) {
    for (Parameter& parameter : node.parameters) shrink(parameter, keep.axes(node, parameter));
    const Shape& out = result.tensors[index_of(node.output)].shape;
    if (auto* conv = std::get_if<Conv2D>(&node.op)) conv->out_channels = out.back();
    if (auto* fc = std::get_if<FullyConnected>(&node.op)) fc->out_features = out.back();
    if (auto* reshape = std::get_if<Reshape>(&node.op)) reshape->shape = out;
  }
  scale_dropout(graph, result);
  COPPICE_TRY_STATUS(validate(result));
  return result;
}

Status mask_channels(Graph& graph, const ChannelDependencies& dependencies,
                     const std::vector<bool>& removed) {
  COPPICE_TRY_STATUS(check(graph, dependencies, removed));
  const Keep keep(dependencies, removed);
  for (Node& node : graph.nodes) {
    for (Parameter& parameter : node.parameters) {
      if (parameter.trainable()) mask(parameter, keep.axes(node, parameter));
    }
  }
  return {};
}

}  // namespace coppice
