#pragma once

#include <string>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice {

/// One channel (index of the last axis) of a tensor.
struct TensorChannel {
  int tensor = -1;
  int channel = 0;
};

/// Channels of several tensors that stand or fall together: those that an elementwise operation,
/// Add, a depthwise convolution, Concat or Flatten makes from each other, and those that have the
/// same place in the groups of a convolution.
struct ChannelSet {
  std::vector<TensorChannel> members;
  int group = -1;
};

/// Sets that run through the same tensors: one choice of how many of them to keep.
struct ChannelGroup {
  std::vector<int> sets;          ///< Indices into ChannelDependencies::sets.
  std::vector<int> tensors;       ///< Ascending.
  std::vector<size_t> producers;  ///< Nodes with weights that write one of the tensors, in order.
  /// Why no channel of it can go: it reaches the network's input or output, or a softmax. Empty
  /// when they can.
  std::string fixed_by;
};

/// Which channels depend on which.
///
///   Conv2D, FullyConnected   begin new sets; their inputs are only read. With groups the channels
///                            of one place in each group share a set, inputs and outputs alike
///   DepthwiseConv2D          output channel c * multiplier + m follows input channel c
///   Add                      both inputs and the output share one keep set
///   Concat                   each input keeps its own, the output's channels lie at offsets
///   Flatten, Reshape         output channel follows the input channel it is made of; Flatten's
///                            H * W outputs of a channel go together
///   all others               output channel follows input channel
struct ChannelDependencies {
  std::vector<ChannelSet> sets;
  std::vector<ChannelGroup> groups;
  std::vector<std::vector<int>> set_of;  ///< [tensor][channel]
};
ChannelDependencies channel_dependencies(const Graph& graph);

/// The smaller graph without the channels of the removed sets (by index of dependencies.sets):
/// weights (rows and, where they read removed channels, columns), masks, biases, batch norms and
/// shapes shrink. Errors: a set that is fixed, a tensor that would lose all channels, a quantized
/// graph.
Result<Graph> remove_channels(const Graph& graph, const ChannelDependencies& dependencies,
                              const std::vector<bool>& removed);

/// The same channels masked instead: what computes them is zero and stays zero, and so are the
/// weights that read them. The result computes what remove_channels's does.
Status mask_channels(Graph& graph, const ChannelDependencies& dependencies,
                     const std::vector<bool>& removed);

}  // namespace coppice
