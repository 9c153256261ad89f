#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "coppice/core/cpu.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/graph.h"
#include "coppice/kernels/image.h"
#include "exec/placement.h"

namespace coppice::exec {

/// What a maker of layers on images needs to know.
struct DenseContext {
  const Graph& graph;
  const Node& node;
  std::vector<Place> inputs;
  Place output;
  bool copies = false;     ///< A reshape that must copy.
  Isa isa = Isa::kScalar;  ///< Limit.
  Executor executor = Executor::kDense;
  std::byte* memory = nullptr;  ///< The plan's: candidates may run in it before the first run.
};

/// What a layer computes of its output: these rows, and of each the first `columns`; 0: all.
struct OutputPart : kernels::RowRange {
  int columns = 0;
};

/// A kernel's parameters for the part's columns: what is packed does not depend on them.
template <class Params>
Params narrowed(Params p, const OutputPart& part) {
  if (part.columns != 0) p.window.out_w = part.columns;
  return p;
}

/// One compiled layer on images in the memory of a plan. Allocates nothing when it runs.
struct DenseLayer {
  std::function<void(std::byte* memory, OutputPart part)> run;
  int rows = 1;     ///< That threads may share; all of them make the layer.
  int columns = 0;  ///< 0: run() computes all, whatever part it is asked for.
  std::string kernel;
  Isa isa = Isa::kScalar;
  std::string reason;
  bool fallback = false;        ///< As LayerChoice::fallback.
  double executed_share = 1.0;  ///< Of the dense products.
  int64_t packed_bytes = 0;     ///< See LayerChoice.
};

/// The fast kernels: of an integer graph on images of uint8_t or int16_t, of a float graph on
/// images of float; the plain one where there is none.
template <class T>
Result<DenseLayer> make_dense_layer(const DenseContext& context);
template <>
Result<DenseLayer> make_dense_layer<uint8_t>(const DenseContext& context);
template <>
Result<DenseLayer> make_dense_layer<int16_t>(const DenseContext& context);
template <>
Result<DenseLayer> make_dense_layer<float>(const DenseContext& context);

/// The plain kernel between copies from and to images; `reason` says why it is needed.
template <class T>
Result<DenseLayer> make_fallback_layer(const DenseContext& context, std::string reason);

}  // namespace coppice::exec
