#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice::bench {

/// Memory for the tensors of a graph whose layers a peer runs one by one. A tensor whose last
/// reader has run gives its bytes to the next one, so that they stay in the L1 cache as in an
/// arena. The graph's input keeps its bytes: it is set once and read by every run.
class TensorBuffers {
 public:
  /// Bytes that a peer may touch behind a tensor.
  static constexpr size_t kSlack = 64;

  explicit TensorBuffers(const Graph& graph);

  /// Memory for a tensor, aligned to 64 bytes, zeroed.
  std::byte* allocate(int tensor, size_t bytes);
  std::byte* at(int tensor) const { return places_[static_cast<size_t>(tensor)].bytes; }

  /// `output` takes over the bytes of `kept`, in place.
  void share(int kept, int output);

  /// To be called when a node has been planned: its inputs may have had their last reader.
  void release_inputs(const Node& node);

 private:
  struct Place {
    std::byte* bytes = nullptr;
    size_t size = 0;
  };
  struct Free {
    void operator()(std::byte* bytes) const;
  };
  std::vector<int> readers_;
  std::vector<Place> places_;
  std::vector<Place> unused_;
  std::vector<std::unique_ptr<std::byte, Free>> owned_;
};

}  // namespace coppice::bench
