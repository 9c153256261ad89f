#include "coppice/graph/dependency.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace coppice {
namespace {

size_t index_of(int i) { return static_cast<size_t>(i); }

// Unites channels of tensors (Galler & Fischer, 1964, with path halving).
class UnionFind {
 public:
  explicit UnionFind(size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  int find(int i) {
    while (parent_[index_of(i)] != i) {
      parent_[index_of(i)] = parent_[index_of(parent_[index_of(i)])];
      i = parent_[index_of(i)];
    }
    return i;
  }
  void unite(int a, int b) {
    const int first = find(a), second = find(b);
    parent_[index_of(std::max(first, second))] = std::min(first, second);
  }

 private:
  std::vector<int> parent_;
};

class Builder {
 public:
  explicit Builder(const Graph& graph) : graph_(graph), channels_(offsets_of(graph)) {}

  ChannelDependencies run() && {
    for (const Node& node : graph_.nodes) connect(node);
    fix(graph_.input, "the network's input");
    fix(graph_.output, "the network's output");
    collect_sets();
    collect_groups();
    return std::move(result_);
  }

 private:
  size_t offsets_of(const Graph& graph) {
    int total = 0;
    for (const TensorInfo& tensor : graph.tensors) {
      offsets_.push_back(total);
      total += tensor.shape.back();
    }
    fixed_by_.resize(graph.tensors.size());
    return index_of(total);
  }
  const Shape& shape(int tensor) const { return graph_.tensors[index_of(tensor)].shape; }
  void unite(int tensor, int channel, int other, int other_channel) {
    channels_.unite(offsets_[index_of(tensor)] + channel,
                    offsets_[index_of(other)] + other_channel);
  }
  void fix(int tensor, std::string reason) {
    std::string& by = fixed_by_[index_of(tensor)];
    if (by.empty()) by = std::move(reason);
  }

  void connect(const Node& node) {
    const int in = node.inputs[0], out = node.output;
    if (std::holds_alternative<FullyConnected>(node.op)) return;
    if (const auto* conv = std::get_if<Conv2D>(&node.op)) {
      for (const int tensor : {in, out}) tie_groups(tensor, conv->groups);
      return;
    }
    if (const auto* depthwise = std::get_if<DepthwiseConv2D>(&node.op)) {
      for (int c = 0; c < shape(out).back(); ++c) unite(in, c / depthwise->multiplier, out, c);
      return;
    }
    if (std::holds_alternative<Softmax>(node.op)) {  // A channel that is zero counts in its sum.
      fix(in, fmt::format("the softmax \"{}\"", node.name));
    }
    if (std::holds_alternative<Concat>(node.op)) return concatenate(node);
    if (std::holds_alternative<Flatten>(node.op) || std::holds_alternative<Reshape>(node.op)) {
      const int64_t elements = shape(in).elements();
      for (int64_t e = 0; e < elements; ++e) {
        unite(in, static_cast<int>(e % shape(in).back()), out,
              static_cast<int>(e % shape(out).back()));
      }
      return;
    }
    for (const int input : node.inputs) {
      for (int c = 0; c < shape(out).back(); ++c) unite(input, c, out, c);
    }
  }

  // Each group of a convolution keeps the same places, so that all stay equally large.
  void tie_groups(int tensor, int groups) {
    const int size = shape(tensor).back() / groups;
    for (int c = size; c < shape(tensor).back(); ++c) unite(tensor, c % size, tensor, c);
  }

  void concatenate(const Node& node) {
    int offset = 0;
    for (const int input : node.inputs) {
      const int channels = shape(input).back();
      for (int c = 0; c < channels; ++c) unite(input, c, node.output, offset + c);
      offset += channels;
    }
  }

  void collect_sets() {
    std::map<int, int> set_of_root;
    for (size_t t = 0; t < graph_.tensors.size(); ++t) {
      auto& sets = result_.set_of.emplace_back();
      const int tensor = static_cast<int>(t);
      for (int c = 0; c < shape(tensor).back(); ++c) {
        const int root = channels_.find(offsets_[t] + c);
        const auto next = static_cast<int>(result_.sets.size());
        const auto [entry, is_new] = set_of_root.try_emplace(root, next);
        if (is_new) result_.sets.emplace_back();
        result_.sets[index_of(entry->second)].members.push_back({tensor, c});
        sets.push_back(entry->second);
      }
    }
  }

  // By the tensors that a set runs through.
  void collect_groups() {
    std::map<std::vector<int>, int> group_of;
    for (size_t s = 0; s < result_.sets.size(); ++s) {
      std::vector<int> tensors;
      for (const TensorChannel& member : result_.sets[s].members) {
        if (tensors.empty() || tensors.back() != member.tensor) tensors.push_back(member.tensor);
      }
      const auto next = static_cast<int>(result_.groups.size());
      const auto [entry, is_new] = group_of.try_emplace(tensors, next);
      if (is_new) result_.groups.push_back(make_group(tensors));
      result_.sets[s].group = entry->second;
      result_.groups[index_of(entry->second)].sets.push_back(static_cast<int>(s));
    }
  }

  ChannelGroup make_group(const std::vector<int>& tensors) const {
    ChannelGroup group;
    group.tensors = tensors;
    for (const int tensor : tensors) {
      if (group.fixed_by.empty()) group.fixed_by = fixed_by_[index_of(tensor)];
    }
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      if (node.parameter("weight") == nullptr) continue;
      if (std::binary_search(tensors.begin(), tensors.end(), node.output)) {
        group.producers.push_back(n);
      }
    }
    return group;
  }

  const Graph& graph_;
  std::vector<int> offsets_;           // By tensor: its first channel among all channels.
  std::vector<std::string> fixed_by_;  // By tensor.
  UnionFind channels_;
  ChannelDependencies result_;
};

}  // namespace

ChannelDependencies channel_dependencies(const Graph& graph) { return Builder(graph).run(); }

}  // namespace coppice
