#include "exec/dense_layer.h"

namespace coppice::exec {
namespace {

bool is_view(const Op& op) {
  return std::holds_alternative<Flatten>(op) || std::holds_alternative<Reshape>(op) ||
         std::holds_alternative<Dropout>(op);
}

}  // namespace

Result<DenseLayer> make_dense_layer_f32(const DenseContext& context) {
  if (is_view(context.node.op) && !context.copies) {
    DenseLayer layer;
    layer.run = [](std::byte*, kernels::RowRange) {};
    layer.kernel = "none";
    layer.reason = "output aliases input";
    return layer;
  }
  return make_fallback_layer<float>(context, "no fast float kernel");
}

}  // namespace coppice::exec
