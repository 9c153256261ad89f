#include <fmt/format.h>

#include "coppice/exec/lower.h"
#include "deploy/code_text.h"
#include "deploy/layer_code.h"

namespace coppice::deploy {
namespace {

std::string multiplier_text(const kernels::QuantizedMultiplier& by) {
  return fmt::format("{{{}, {}}}", by.multiplier, by.shift);
}

Result<LayerCode> emit_add(const LayerContext& layer) {
  const auto p = exec::add_params(layer.graph, layer.node);
  LayerCode code;
  code.headers = {"coppice/kernels/add/reference.h"};
  code.parameters = fmt::format(
      "constexpr kernels::AddParams {}_params{{\n"
      "    .count = {}, .rounding = {},\n"
      "    .a_zero = {}, .b_zero = {}, .y_zero = {}, .min = {}, .max = {},\n"
      "    .a = {}, .b = {}, .y = {},\n"
      "    .a_factor = {}, .b_factor = {}, .right_shift = {}}};\n",
      layer.id, p.count, rounding_text(p.rounding), p.a_zero, p.b_zero, p.y_zero, p.min, p.max,
      multiplier_text(p.a), multiplier_text(p.b), multiplier_text(p.y), p.a_factor, p.b_factor,
      p.right_shift);
  code.call = fmt::format("kernels::add_ref({}_params, {}, {}, {});\n", layer.id, layer.inputs[0],
                          layer.inputs[1], layer.output);
  return code;
}

Result<LayerCode> emit_concat(const LayerContext& layer) {
  const int channels = layer.result().shape.back();
  const auto pixels = layer.result().shape.elements() / channels;
  LayerCode code;
  code.headers = {"coppice/kernels/concat/reference.h"};
  int first = 0;
  for (size_t i = 0; i < layer.inputs.size(); ++i) {
    code.call +=
        fmt::format("kernels::concat_ref<int8_t>({}, {}, {}, {}, {}, {});\n", pixels,
                    layer.input(i).shape.back(), layer.inputs[i], first, channels, layer.output);
    first += layer.input(i).shape.back();
  }
  return code;
}

Result<LayerCode> emit_pool(const LayerContext& layer, const char* function) {
  LayerCode code;
  code.headers = {"coppice/kernels/pool/reference.h"};
  code.parameters = fmt::format(
      "constexpr kernels::PoolParams<int8_t> {}_params{{\n    .window = {},\n"
      "    .channels = {}, .min = -128, .max = 127}};\n",
      layer.id, window_text(exec::window_of(layer.graph, layer.node)), layer.input().shape.back());
  code.call = fmt::format("kernels::{}<int8_t>({}_params, {}, {});\n", function, layer.id,
                          layer.inputs[0], layer.output);
  return code;
}

Result<LayerCode> emit_avg_pool(const LayerContext& layer) {
  return emit_pool(layer, "avg_pool2d_ref");
}
Result<LayerCode> emit_max_pool(const LayerContext& layer) {
  return emit_pool(layer, "max_pool2d_ref");
}

Result<LayerCode> emit_softmax(const LayerContext& layer) {
  const auto p = exec::softmax_params(layer.graph, layer.node);
  LayerCode code;
  code.headers = {"coppice/kernels/softmax/reference.h"};
  code.parameters = fmt::format(
      "constexpr kernels::SoftmaxParams {}_params{{\n"
      "    .rows = {}, .depth = {}, .multiplier = {}, .left_shift = {}, .diff_min = {}}};\n",
      layer.id, p.rows, p.depth, p.multiplier, p.left_shift, p.diff_min);
  code.call = fmt::format("kernels::softmax_ref({}_params, {}, {});\n", layer.id, layer.inputs[0],
                          layer.output);
  return code;
}

Result<LayerCode> emit_clamp(const LayerContext& layer, Activation activation) {
  const auto range = exec::integer_clamp(activation, *layer.result().quantization);
  LayerCode code;
  code.headers = {"coppice/kernels/clamp/reference.h"};
  code.call = fmt::format("kernels::clamp_ref<int8_t>({}, {}, {}, {}, {});\n",
                          layer.result().shape.elements(), range.min, range.max, layer.inputs[0],
                          layer.output);
  return code;
}

Result<LayerCode> emit_relu(const LayerContext& layer) {
  return emit_clamp(layer, Activation::kRelu);
}
Result<LayerCode> emit_relu6(const LayerContext& layer) {
  return emit_clamp(layer, Activation::kRelu6);
}

}  // namespace

const std::vector<KernelEmitter>& weightless_emitters() {
  static const std::vector<KernelEmitter> list = {
      {"add_ref", is_op<Add>, emit_add},
      {"concat_ref", is_op<Concat>, emit_concat},
      {"avg_pool2d_ref", is_op<AvgPool2D>, emit_avg_pool},
      {"avg_pool2d_ref", is_op<GlobalAvgPool>, emit_avg_pool},
      {"max_pool2d_ref", is_op<MaxPool2D>, emit_max_pool},
      {"softmax_ref", is_op<Softmax>, emit_softmax},
      {"clamp_ref", is_op<Relu>, emit_relu},
      {"clamp_ref", is_op<Relu6>, emit_relu6},
  };
  return list;
}

}  // namespace coppice::deploy
