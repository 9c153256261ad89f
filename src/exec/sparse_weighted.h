#pragma once

#include <fmt/format.h>

#include <optional>

#include "coppice/sparse/kernel.h"
#include "exec/dense_weighted.h"

// A layer whose zeros are left out, from a family of sparse kernels.

namespace coppice::exec {

/// What the kernels of a sparse executor leave out; nothing for the other executors.
inline std::optional<sparse::Pattern> pattern_of(Executor executor) {
  switch (executor) {
    case Executor::kCsr:
      return sparse::Pattern::kUnstructured;
    case Executor::kBlock:
      return sparse::Pattern::kBlock1x4;
    case Executor::kNm:
      return sparse::Pattern::kNOfM;
    default:
      return std::nullopt;
  }
}

/// The first kernel of the pattern that takes the layer; `dense`, marked as a fallback, if there is
/// none.
template <class List, class Stage, class Dense>
Result<DenseLayer> make_sparse_layer(const DenseContext& context, const List& list,
                                     sparse::Pattern pattern, const kernels::Conv2DParams& p,
                                     const Stage& stage, const Dense& dense) {
  using Kernel = std::remove_cvref_t<decltype(*list.begin())>;
  using T = typename Kernel::Value;
  const auto weights = parameter_values<typename Kernel::Weight>(context.node, "weight");
  const auto bias = parameter_values<typename Kernel::Bias>(context.node, "bias");
  std::string refusal = "no kernel of this pattern for this processor";
  for (const Kernel& kernel : list) {
    if (kernel.pattern != pattern || !isa_allowed(kernel.isa, context.isa)) continue;
    if (!kernel.accepts(p, weights.data())) {
      refusal = fmt::format("{} does not take this layer", kernel.name);
      continue;
    }
    const size_t bytes = kernel.packed_bytes(p, weights.data());
    std::vector<PackedLine> packed((bytes + 63) / 64);
    if (!kernel.pack(p, view(stage), weights.data(), bias.empty() ? nullptr : bias.data(),
                     packed.data())) {
      refusal = fmt::format("{} would overflow with these factors", kernel.name);
      continue;
    }
    DenseLayer layer;
    layer.reason = fmt::format("{:.0f} % of the dense products, in {} bytes",
                               100.0 * kernel.executed_share(p, packed.data()), bytes);
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
