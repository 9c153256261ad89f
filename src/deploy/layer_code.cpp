#include "deploy/layer_code.h"

#include <fmt/format.h>

#include "coppice/exec/lower.h"

namespace coppice::deploy {

const TensorInfo& LayerContext::input(size_t index) const {
  return graph.tensors[static_cast<size_t>(node.inputs[index])];
}
const TensorInfo& LayerContext::result() const {
  return graph.tensors[static_cast<size_t>(node.output)];
}

const std::vector<KernelEmitter>& kernel_emitters() {
  static const std::vector<KernelEmitter> list = [] {
    auto all = weighted_emitters();
    const auto& others = weightless_emitters();
    all.insert(all.end(), others.begin(), others.end());
    return all;
  }();
  return list;
}

Result<LayerCode> emit_layer(const LayerContext& layer, const Target& target) {
  COPPICE_TRY_STATUS(exec::check_integer_node(layer.graph, layer.node));
  for (const auto& emitter : kernel_emitters()) {
    if (!emitter.accepts(layer, target)) continue;
    COPPICE_TRY(LayerCode code, emitter.emit(layer));
    code.kernel = emitter.kernel;
    return code;
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("{}: layer \"{}\" ({}): no firmware kernel runs it on {}",
                           layer.graph.name, layer.node.name, op_name(layer.node.op), target.name)};
}

}  // namespace coppice::deploy
