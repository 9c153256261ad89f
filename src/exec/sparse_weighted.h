#pragma once

#include <fmt/format.h>

#include "coppice/sparse/kernel.h"
#include "exec/dense_weighted.h"

// A layer whose zeros are left out, from a family of sparse kernels.

namespace coppice::exec {

/// Whether kernels of this pattern are the executor's.
inline bool uses(Executor executor, sparse::Pattern pattern) {
  switch (pattern) {
    case sparse::Pattern::kUnstructured:
      return executor == Executor::kCsr;
    case sparse::Pattern::kBlock1x4:
      return executor == Executor::kBlock;
    case sparse::Pattern::kNOfM:
      return executor == Executor::kNm;
    case sparse::Pattern::kVector4x1:
    case sparse::Pattern::kVector16x1:
      return executor == Executor::kVector;
  }
  return false;
}
inline bool leaves_zeros_out(Executor executor) {
  return executor >= Executor::kCsr && executor <= Executor::kVector;
}

/// The first kernel of the executor that takes the layer; `dense`, marked as a fallback, if there
/// is none.
template <class Kernel, class Stage, class Dense>
Result<DenseLayer> make_sparse_layer(const DenseContext& context,
                                     const kernels::KernelList<Kernel>& list,
                                     const typename Kernel::Params& p, const Stage& stage,
                                     const Dense& dense) {
  using T = typename Kernel::Value;
  const ParameterView<typename Kernel::Weight> weights(context.node, "weight");
  const ParameterView<typename Kernel::Bias> bias(context.node, "bias");
  std::string refusal = "no kernel of this pattern for this processor";
  for (const Kernel& kernel : list) {
    if (!uses(context.executor, kernel.pattern) || !isa_allowed(kernel.isa, context.isa)) continue;
    if (!kernel.accepts(p, weights.data())) {
      refusal = fmt::format("{} does not take this layer", kernel.name);
      continue;
    }
    const size_t bytes = kernel.packed_bytes(p, weights.data());
    std::vector<PackedLine> packed((bytes + 63) / 64);
    if (!kernel.pack(p, view(stage), weights.data(), bias.data(), packed.data())) {
      refusal = fmt::format("{} would overflow with these factors", kernel.name);
      continue;
    }
    DenseLayer layer;
    layer.executed_share = kernel.executed_share(p, packed.data());
    layer.packed_bytes = static_cast<int64_t>(bytes);
    layer.reason = fmt::format("{:.0f} % of the dense products, in {} bytes",
                               100.0 * layer.executed_share, bytes);
    layer.run = [p, run = kernel.run, packed = std::move(packed), in = context.inputs[0],
                 out = context.output](std::byte* memory, kernels::RowRange rows) {
      run(p, packed.data(), in.image<T>(memory), out.image<T>(memory), rows);
    };
    layer.rows = p.window.out_h;
    layer.kernel = kernel.name;
    layer.isa = kernel.isa;
    return layer;
  }
  COPPICE_TRY(DenseLayer layer, dense());
  layer.reason = fmt::format("{}; dense instead", refusal);
  layer.fallback = true;
  return layer;
}

}  // namespace coppice::exec
