#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "coppice/exec/lower.h"
#include "coppice/kernels/layer_kernel.h"
#include "exec/dense_layer.h"
#include "exec/parameter_values.h"

// A layer with weights from a family of kernels, for uint8 and float alike.

namespace coppice::exec {

struct alignas(64) PackedLine {
  std::byte bytes[64];
};

/// A table for int16 outputs.
struct WideTable {
  RequantizeTable table;
};
inline kernels::Requantize view(const RequantizeTable& table) { return table.view(); }
inline kernels::RequantizeWide view(const WideTable& wide) { return wide.table.wide_view(); }
inline kernels::ClampFloat view(const kernels::ClampFloat& clamp) { return clamp; }

/// A fully connected layer as the convolution whose kernel is the whole image.
inline kernels::Conv2DParams as_convolution(const kernels::FullyConnectedParams& p,
                                            const Place& input) {
  kernels::Conv2DParams conv;
  conv.in_channels = p.in_features;
  conv.out_channels = p.out_features;
  conv.x_zero = p.x_zero;
  if (input.border.empty()) return conv;
  conv.window.in_h = conv.window.kernel_h = input.height;
  conv.window.in_w = conv.window.kernel_w = input.width;
  conv.in_channels = input.channels;
  return conv;
}

/// The first kernel of the list that the instruction sets allow, that accepts the layer and that is
/// exact for its factors; the plain kernel if there is none. `stage` is a RequantizeTable, a
/// WideTable or a ClampFloat.
template <class Kernel, class Stage>
Result<DenseLayer> make_weighted_layer(const DenseContext& context,
                                       const kernels::KernelList<Kernel>& list,
                                       const typename Kernel::Params& p, const Stage& stage,
                                       const char* reason) {
  using T = typename Kernel::Value;
  const ParameterView<typename Kernel::Weight> weights(context.node, "weight");
  const ParameterView<typename Kernel::Bias> bias(context.node, "bias");
  std::string refusal = "no fast kernel for this processor";
  for (const Kernel& kernel : list) {
    if (!isa_allowed(kernel.isa, context.isa)) continue;
    if (!kernel.accepts(p)) {
      refusal = std::string(kernel.name) + " does not take this geometry";
      continue;
    }
    const size_t bytes = kernel.packed_bytes(p);
    std::vector<PackedLine> packed((bytes + 63) / 64);
    if (!kernel.pack(p, view(stage), weights.data(), bias.data(), packed.data())) {
      refusal = std::string(kernel.name) + " would overflow with these factors";
      continue;
    }
    DenseLayer layer;
    layer.run = [p, run = kernel.run, packed = std::move(packed), in = context.inputs[0],
                 out = context.output](std::byte* memory, OutputPart part) {
      run(narrowed(p, part), packed.data(), in.image<T>(memory), out.image<T>(memory), part);
    };
    layer.rows = p.window.out_h;
    layer.columns = p.window.out_w;
    layer.kernel = kernel.name;
    layer.isa = kernel.isa;
    layer.reason = reason;
    layer.packed_bytes = static_cast<int64_t>(bytes);
    return layer;
  }
  return make_fallback_layer<T>(context, std::move(refusal));
}

}  // namespace coppice::exec
