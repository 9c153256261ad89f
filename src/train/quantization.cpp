#include "train/quantization.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "coppice/exec/lower.h"

namespace coppice::train {
namespace {

size_t at(int i) { return static_cast<size_t>(i); }

bool requantizes(const Node& node) {
  return node.parameter("weight") != nullptr || std::holds_alternative<Add>(node.op);
}

bool is_power_of_two(float scale) { return std::exp2(std::round(std::log2(scale))) == scale; }

// All scales of a model are powers of two only if they were made so.
ScaleKind scale_kind(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    const Parameter* weight = node.parameter("weight");
    if (weight == nullptr) continue;
    const auto& scales = weight->quantized->scales;
    if (!std::all_of(scales.begin(), scales.end(), is_power_of_two)) return ScaleKind::kAffine;
  }
  return ScaleKind::kPowerOfTwo;
}

bool is_symmetric(const Graph& graph) {
  return std::all_of(graph.tensors.begin(), graph.tensors.end(), [](const TensorInfo& tensor) {
    const ActivationQuantization& q = *tensor.quantization;
    return q.zero_point == 0 || q.scale == softmax_output(q.bits).scale;
  });
}

// A power of two is the nearest one.
float learned_scale(float first, float logarithm, ScaleKind kind) {
  const float scale = first * std::exp(logarithm);
  return kind == ScaleKind::kAffine ? scale : std::exp2(std::round(std::log2(scale)));
}

Range range_of(const ActivationQuantization& q) {
  const IntegerRange integers = activation_integers(q.bits);
  return {static_cast<float>(integers.low - q.zero_point) * q.scale,
          static_cast<float>(integers.high - q.zero_point) * q.scale};
}

}  // namespace

Quantization::Quantization(const Graph& graph, const TrainOptions& options)
    : options_(options),
      model_(graph),
      training_graph_(graph),
      group_of_(sharing_groups(graph)),
      groups_(graph.tensors.size()) {
  for (TensorInfo& tensor : training_graph_.tensors) tensor.quantization.reset();
  const ScaleKind kind = scale_kind(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    WeightFormat format;
    const Parameter* weight = graph.nodes[n].parameter("weight");
    if (weight != nullptr) {
      const QuantizedValues& q = *weight->quantized;
      format = {q.used_bits(), q.range, kind, q.group_size};
      if (learns_weight_scales()) {
        add_state(n, "weight_scale", std::vector<float>(q.scales.size(), 0.0f));
      }
    }
    formats_.push_back(format);
    first_scales_.push_back(weight == nullptr ? std::vector<float>() : weight->quantized->scales);
  }
  add_groups();
}

void Quantization::add_groups() {
  const ScaleKind kind = scale_kind(model_);
  const bool symmetric = is_symmetric(model_);
  for (size_t n = 0; n < model_.nodes.size(); ++n) {
    const Node& node = model_.nodes[n];
    if (!requantizes(node)) continue;
    const int group = group_of_[at(node.output)];
    const ActivationQuantization& q = activation(node.output);
    Group& entry = groups_[at(group)];
    entry.writers.push_back(n);
    entry.format = {q.bits, symmetric, kind};
    entry.first_scale = q.scale;
    const bool with_input = group == group_of_[at(model_.input)];
    // PACT's clip is that of a ReLU; other outputs, whose zero is inside, have moving ranges.
    const bool clips = range_of(q).min >= 0.0f;
    if (with_input || options_.range_rule == RangeRule::kFixed) {
      entry.rule = Rule::kFixed;
    } else if (options_.range_rule == RangeRule::kLearned || (pact() && clips)) {
      entry.rule = Rule::kLearned;
      if (entry.writers.size() == 1) add_state(n, "output_scale", {0.0f});
    } else {
      entry.rule = Rule::kMovingAverage;
      const Range range = range_of(q);
      add_state(n, "range", {range.min, range.max});
    }
  }
}

void Quantization::add_state(size_t node, const std::string& name, std::vector<float> values) {
  const Shape shape{static_cast<int>(values.size())};
  training_graph_.nodes[node].parameters.push_back(
      {name, shape, std::move(values), {}, std::nullopt});
}

float* Quantization::state(size_t node, std::string_view name) const {
  const ParameterRange* range = parameters_->find(node, name);
  return range == nullptr ? nullptr : parameters_->values() + range->offset;
}

bool Quantization::observes(size_t node) const {
  const Group& group = groups_[at(group_of_[at(model_.nodes[node].output)])];
  return group.rule == Rule::kMovingAverage && !frozen_;
}

int Quantization::scale_holder(size_t node) const {
  const Group& group = groups_[at(group_of_[at(model_.nodes[node].output)])];
  return group.rule == Rule::kLearned ? static_cast<int>(group.writers.front()) : -1;
}

Clamp Quantization::clamp(int tensor, Activation own) const {
  const ActivationQuantization& q = activation(tensor);
  const exec::IntegerClamp limits = exec::integer_clamp(own, q);
  return {static_cast<float>(limits.min - q.zero_point),
          static_cast<float>(limits.max - q.zero_point)};
}

void Quantization::observe(size_t node, Range seen) {
  float* range = state(node, "range");
  if (range == nullptr || frozen_) return;
  const float share = 1.0f - options_.range_momentum;
  range[0] += share * (std::min(seen.min, 0.0f) - range[0]);
  range[1] += share * (std::max(seen.max, 0.0f) - range[1]);
}

void Quantization::refresh() {
  for (size_t t = 0; t < groups_.size(); ++t) refresh_group(static_cast<int>(t));
  for (size_t n = 0; n < model_.nodes.size(); ++n) refresh_weights(n);
}

void Quantization::refresh_group(int index) {
  const Group& group = groups_[at(index)];
  if (group.writers.empty() || group.rule == Rule::kFixed) return;
  ActivationQuantization q = activation(index);
  if (group.rule == Rule::kLearned) {
    q.scale = learned_scale(group.first_scale, *state(group.writers.front(), "output_scale"),
                            group.format.scales);
  } else {
    Range range;
    for (const size_t writer : group.writers) {
      const float* seen = state(writer, "range");
      range.min = std::min(range.min, seen[0]);
      range.max = std::max(range.max, seen[1]);
    }
    q = choose_activation(range, group.format);
  }
  for (size_t t = 0; t < group_of_.size(); ++t) {
    if (group_of_[t] == index) model_.tensors[t].quantization = q;
  }
}

void Quantization::check_finite(size_t node, const Parameter& parameter) {
  const bool finite = std::all_of(parameter.value.begin(), parameter.value.end(),
                                  [](float v) { return std::isfinite(v); });
  if (!finite && broken_layer_.empty()) broken_layer_ = model_.nodes[node].name;
}

void Quantization::refresh_weights(size_t n) {
  Node& node = model_.nodes[n];
  for (Parameter& parameter : node.parameters) {
    const float* from = state(n, parameter.name);
    std::copy_n(from, parameter.value.size(), parameter.value.begin());
    check_finite(n, parameter);
  }
  Parameter* weight = node.parameter("weight");
  if (weight == nullptr) return;
  Parameter* bias = node.parameter("bias");
  const int axis = weight->quantized->axis;
  const float x_scale = activation(node.inputs[0]).scale;
  const auto lowest = min_weight_scales(*weight, bias, x_scale, axis);
  std::vector<float> scales = first_scales_[n];
  if (const float* learned = state(n, "weight_scale")) {
    for (size_t c = 0; c < scales.size(); ++c) {
      scales[c] = std::max(learned_scale(scales[c], learned[c], formats_[n].scales), lowest[c]);
    }
  } else if (options_.weight_scale_rule == WeightScaleRule::kMax) {
    scales = choose_weight_scales(*weight, formats_[n], axis, WeightScale::kMax, lowest);
  }
  quantize_weight(*weight, formats_[n], axis, std::move(scales));
  if (bias != nullptr) quantize_bias(*bias, x_scale, weight->quantized->scales);
}

Status check_trainable(const Graph& graph, const TrainOptions& options) {
  const auto fail = [&](const Node& node, std::string_view what) {
    return Error{ErrorCode::kUnsupported, fmt::format("{}: layer \"{}\" ({}): {}", graph.name,
                                                      node.name, op_name(node.op), what)};
  };
  for (const Node& node : graph.nodes) {
    if (std::holds_alternative<BatchNorm>(node.op) || std::holds_alternative<Dropout>(node.op))
      return fail(node, "a quantized model that is trained must be fused");
    if (std::holds_alternative<Softmax>(node.op) && node.output != graph.output)
      return fail(node, "training for integers takes a softmax at the end only");
    const Parameter* weight = node.parameter("weight");
    if (weight == nullptr) continue;
    COPPICE_TRY_STATUS(exec::check_integer_node(graph, node));
    if (weight->quantized->group_size > 0 &&
        options.weight_scale_rule == WeightScaleRule::kLearned) {
      return fail(node, "scales of groups cannot be learned; take weight_scale \"max\"");
    }
  }
  return {};
}

}  // namespace coppice::train
