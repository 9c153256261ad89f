#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/graph/graph.h"
#include "train/memory.h"

namespace coppice::train {

/// Where a parameter of the graph lies in the store.
struct ParameterRange {
  size_t node = 0;
  size_t parameter = 0;
  int64_t offset = 0;
  int64_t size = 0;
  bool decays = false;  ///< Weight decay applies: weights, not biases and batch norms.
};

/// All parameters of a graph in one array, trainable ones first, so that an optimizer step is one
/// loop and a checkpoint one copy.
class ParameterStore {
 public:
  explicit ParameterStore(const Graph& graph);

  /// Copies values and masks back. Pruned elements are zero.
  void write_to(Graph& graph) const;
  /// Takes values and masks from a graph of the same structure.
  void read_from(const Graph& graph);

  const ParameterRange* find(size_t node, std::string_view name) const;
  const std::vector<ParameterRange>& ranges() const { return ranges_; }

  float* values() { return values_.data(); }
  const float* values() const { return values_.data(); }
  int64_t size() const { return size_; }            ///< Floats of the whole array.
  int64_t trainable() const { return trainable_; }  ///< Floats at its start that are trained.
  /// One byte a trainable element, or nullptr when nothing is pruned.
  const uint8_t* mask() const { return mask_.empty() ? nullptr : mask_.data(); }
  /// All of them: trainable() bytes, or none when nothing is pruned.
  std::vector<uint8_t>& masks() { return mask_; }

 private:
  void place(const Graph& graph, bool trainable);

  std::vector<ParameterRange> ranges_;
  std::vector<std::string> names_;
  AlignedFloats values_;
  std::vector<uint8_t> mask_;
  int64_t size_ = 0;
  int64_t trainable_ = 0;
};

}  // namespace coppice::train
