#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/graph/graph.h"

namespace coppice::bench {

/// A tensor's values in NHWC order: floats, or the int8 integers of a quantized graph.
struct Values {
  std::vector<float> real;
  std::vector<int8_t> integer;
};

/// Somebody who runs one graph: one of our executors, or a peer. Weights are packed and memory is
/// allocated when it is made; run() is what a benchmark times.
///
/// Input and output lie in the contender's own memory, in the layout that it likes best: copying in
/// and out, with any change of layout at the two ends, is timed for nobody.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual void set_input(const Values& input) = 0;
  virtual void run() = 0;
  virtual Values output() = 0;
};

using ContenderResult = Result<std::unique_ptr<Contender>>;

/// A way to run graphs, under the name that it has in benchmark names: "coppice:dense", "xnnpack".
struct Entrant {
  std::string name;
  bool ours = false;
  bool sparse = false;  ///< A peer that runs nothing but a single layer with sparse weights.
  std::function<ContenderResult(const Graph&)> compile;
};

}  // namespace coppice::bench
