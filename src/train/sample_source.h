#pragma once

#include <span>
#include <vector>

#include "coppice/core/thread_pool.h"
#include "coppice/data/dataset.h"
#include "coppice/graph/graph.h"
#include "train/network.h"

namespace coppice::train {

/// Whether a graph is float, valid, and made for this dataset's samples and classes.
Status check_fits(const Graph& graph, const data::Dataset& dataset);

/// Samples of a split that is read again and again (validation): computed once and kept, while they
/// take at most a gibibyte.
class SampleSource {
 public:
  SampleSource(const data::Dataset& dataset, data::Split split, bool keep, ThreadPool& pool);

  int size() const { return size_; }
  int label(int index) const { return dataset_.label(split_, index); }
  void read(int index, std::span<float> x) const;

 private:
  const data::Dataset& dataset_;
  data::Split split_;
  int size_;
  size_t elements_;
  std::vector<float> kept_;
};

}  // namespace coppice::train
