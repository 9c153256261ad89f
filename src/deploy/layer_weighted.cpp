#include <fmt/format.h>

#include "coppice/core/packed.h"
#include "coppice/exec/lower.h"
#include "coppice/kernels/conv2d/scalar.h"
#include "deploy/code_text.h"
#include "deploy/layer_code.h"

namespace coppice::deploy {
namespace {

const QuantizedValues& weights_of(const LayerContext& layer) {
  return *layer.node.parameter("weight")->quantized;
}

// Weights as an array in flash: int8, or packed bytes for the narrower widths.
std::string weight_array(const std::string& name, const std::vector<int32_t>& values, int bits) {
  if (bits == 8) return array_definition("int8_t", name, values);
  std::vector<uint8_t> packed(packed_bytes(values.size(), bits), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    packed_set(packed.data(), i, bits, static_cast<int8_t>(values[i]));
  }
  return array_definition("uint8_t", name, {packed.begin(), packed.end()});
}

// The layer's weights for a plain kernel of `header`: adds the array and the headers, returns the
// expression by which the kernel reads them.
std::string add_plain_weights(const LayerContext& layer, const char* header, LayerCode& code) {
  const QuantizedValues& weights = weights_of(layer);
  const std::string name = layer.id + "_weight";
  code.headers = {header};
  code.constants = weight_array(name, weights.values, weights.bits);
  if (weights.bits == 8) return name;
  code.headers.emplace_back("coppice/kernels/packed_weights.h");
  return fmt::format("kernels::PackedWeights<{}>{{{}}}", weights.bits, name);
}

// What all layers with weights share: bias and requantize tables, and the Requantize parameter.
void add_requantize(const LayerContext& layer, LayerCode& code) {
  if (const Parameter* bias = layer.node.parameter("bias")) {
    code.constants += array_definition("int32_t", layer.id + "_bias", bias->quantized->values);
  }
  const auto table = exec::requantize_table(layer.graph, layer.node);
  std::string fields;
  if (table.rounding == Rounding::kFloat) {
    code.constants += array_definition(layer.id + "_scale", table.scale);
    fields = fmt::format(".scale = {}_scale", layer.id);
  } else {
    code.constants += array_definition("int32_t", layer.id + "_multiplier", table.multiplier);
    code.constants += array_definition("int32_t", layer.id + "_shift", table.shift);
    fields = fmt::format(".multiplier = {0}_multiplier, .shift = {0}_shift", layer.id);
  }
  code.parameters += fmt::format(
      "constexpr kernels::Requantize {}_requantize{{\n    .rounding = {},\n    {},\n"
      "    .channel_step = {}, .zero = {}, .min = {}, .max = {}}};\n",
      layer.id, rounding_text(table.rounding), fields, table.view().channel_step, table.zero,
      table.clamp.min, table.clamp.max);
}

std::string bias_expression(const LayerContext& layer) {
  return layer.node.parameter("bias") != nullptr ? layer.id + "_bias" : "nullptr";
}

void add_call(const LayerContext& layer, const std::string& function, const std::string& weights,
              LayerCode& code) {
  code.call = fmt::format("kernels::{}({}_params, {}_requantize, {}, {}, {},\n    {});\n", function,
                          layer.id, layer.id, layer.inputs[0], weights, bias_expression(layer),
                          layer.output);
}

// Output channels innermost, which plain loops read in order.
std::string add_conv2d_scalar_weights(const LayerContext& layer,
                                      const kernels::Conv2DParams& params, LayerCode& code) {
  const std::vector<int32_t>& values = weights_of(layer).values;
  std::vector<int32_t> packed(values.size());
  kernels::pack_conv2d_scalar(params, values.data(), packed.data());
  code.headers = {"coppice/kernels/conv2d/scalar.h"};
  code.constants = array_definition("int8_t", layer.id + "_weight", packed);
  return layer.id + "_weight";
}

Result<LayerCode> emit_conv2d(const LayerContext& layer, bool packed) {
  const auto params = exec::conv2d_params(layer.graph, layer.node);
  LayerCode code;
  const std::string weights =
      packed ? add_conv2d_scalar_weights(layer, params, code)
             : add_plain_weights(layer, "coppice/kernels/conv2d/reference.h", code);
  code.parameters = fmt::format(
      "constexpr kernels::Conv2DParams {}_params{{\n    .window = {},\n"
      "    .in_channels = {}, .out_channels = {}, .groups = {}, .x_zero = {}}};\n",
      layer.id, window_text(params.window), params.in_channels, params.out_channels, params.groups,
      params.x_zero);
  add_requantize(layer, code);
  add_call(layer, packed ? "conv2d_scalar" : "conv2d_ref", weights, code);
  return code;
}

// Narrower weights stay packed bytes for the reference kernel.
bool accepts_conv2d_scalar(const LayerContext& layer, const Target& target) {
  if (!is_op<Conv2D>(layer, target)) return false;
  return weights_of(layer).bits == 8;
}

Result<LayerCode> emit_conv2d_scalar(const LayerContext& layer) { return emit_conv2d(layer, true); }
Result<LayerCode> emit_conv2d_ref(const LayerContext& layer) { return emit_conv2d(layer, false); }

Result<LayerCode> emit_depthwise(const LayerContext& layer) {
  const auto params = exec::depthwise_conv2d_params(layer.graph, layer.node);
  LayerCode code;
  const std::string weights =
      add_plain_weights(layer, "coppice/kernels/depthwise_conv2d/reference.h", code);
  code.parameters = fmt::format(
      "constexpr kernels::DepthwiseConv2DParams {}_params{{\n    .window = {},\n"
      "    .channels = {}, .multiplier = {}, .x_zero = {}}};\n",
      layer.id, window_text(params.window), params.channels, params.multiplier, params.x_zero);
  add_requantize(layer, code);
  add_call(layer, "depthwise_conv2d_ref", weights, code);
  return code;
}

Result<LayerCode> emit_fully_connected(const LayerContext& layer) {
  const auto params = exec::fully_connected_params(layer.graph, layer.node);
  LayerCode code;
  const std::string weights =
      add_plain_weights(layer, "coppice/kernels/fully_connected/reference.h", code);
  code.parameters = fmt::format(
      "constexpr kernels::FullyConnectedParams {}_params{{\n"
      "    .in_features = {}, .out_features = {}, .x_zero = {}}};\n",
      layer.id, params.in_features, params.out_features, params.x_zero);
  add_requantize(layer, code);
  add_call(layer, "fully_connected_ref", weights, code);
  return code;
}

}  // namespace

const std::vector<KernelEmitter>& weighted_emitters() {
  static const std::vector<KernelEmitter> list = {
      {"conv2d_scalar", accepts_conv2d_scalar, emit_conv2d_scalar},
      {"conv2d_ref", is_op<Conv2D>, emit_conv2d_ref},
      {"depthwise_conv2d_ref", is_op<DepthwiseConv2D>, emit_depthwise},
      {"fully_connected_ref", is_op<FullyConnected>, emit_fully_connected},
  };
  return list;
}

}  // namespace coppice::deploy
