// What follows from the options and the ranges alone.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "coppice/core/text.h"
#include "coppice/quant/steps.h"

namespace coppice::quant {
namespace {

size_t index_of(int i) { return static_cast<size_t>(i); }

// "conv*=4" as its two halves.
struct LayerBits {
  std::string_view pattern;
  int bits = 0;
};

Result<LayerBits> parse_layer_bits(std::string_view text) {
  LayerBits result;
  const size_t equals = text.rfind('=');
  if (equals != std::string_view::npos) {
    const std::string_view number = text.substr(equals + 1);
    const char* end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data(), end, result.bits);
    result.pattern = text.substr(0, equals);
    if (parsed.ec == std::errc() && parsed.ptr == end && result.bits >= 2 && result.bits <= 8) {
      return result;
    }
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("layer_bits has \"{}\"; expected a name or glob, =, and 2 to 8", text)};
}

bool has_weight(const Node& node) { return node.parameter("weight") != nullptr; }

void set_bits(WeightFormat& format, int bits) {
  format.bits = bits;
  if (format.range == WeightRange::kBinary) format.range = WeightRange::kNarrow;
}

}  // namespace

Result<std::vector<WeightFormat>> weight_formats(const Graph& graph,
                                                 const QuantizeOptions& options) {
  const WeightFormat common{options.weight_bits, options.weight_range, options.scales,
                            options.group_size};
  std::vector<WeightFormat> formats(graph.nodes.size(), common);
  if (options.first_last_bits != 0) {
    const auto first = std::find_if(graph.nodes.begin(), graph.nodes.end(), has_weight);
    const auto last = std::find_if(graph.nodes.rbegin(), graph.nodes.rend(), has_weight);
    if (first != graph.nodes.end()) {
      set_bits(formats[static_cast<size_t>(first - graph.nodes.begin())], options.first_last_bits);
      set_bits(formats[static_cast<size_t>(&*last - graph.nodes.data())], options.first_last_bits);
    }
  }
  for (const std::string& text : options.layer_bits) {
    COPPICE_TRY(const LayerBits entry, parse_layer_bits(text));
    bool matched = false;
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (!has_weight(graph.nodes[n]) || !glob_match(entry.pattern, graph.nodes[n].name)) continue;
      set_bits(formats[n], entry.bits);
      matched = true;
    }
    if (!matched) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("layer_bits has \"{}\"; {} has no layer with weights of that name",
                               text, graph.name)};
    }
  }
  return formats;
}

Status quantize_activations(Graph& graph, const std::vector<Range>& ranges,
                            const ActivationFormat& format) {
  const std::vector<int> groups = sharing_groups(graph);
  std::vector<Range> spans(ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    Range& span = spans[index_of(groups[i])];
    span.min = std::min(span.min, ranges[i].min);
    span.max = std::max(span.max, ranges[i].max);
  }
  const auto shares = [&](size_t i, int with) { return groups[i] == groups[index_of(with)]; };
  // The doors of the model, and the logits, are worth 8 bits at least.
  ActivationFormat door = format;
  door.bits = std::max(door.bits, 8);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const bool at_door = shares(i, graph.input) || shares(i, graph.output);
    graph.tensors[i].quantization =
        choose_activation(spans[index_of(groups[i])], at_door ? door : format);
  }
  for (const Node& node : graph.nodes) {
    if (!std::holds_alternative<Softmax>(node.op)) continue;
    const Range& span = spans[index_of(groups[index_of(node.output)])];
    if (span.min < 0.0f || span.max > 1.001f) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: layer \"{}\" (softmax) shares its quantization, from 0 to 1, "
                               "with tensors that reach from {} to {}",
                               graph.name, node.name, span.min, span.max)};
    }
    for (size_t i = 0; i < groups.size(); ++i) {
      if (shares(i, node.output)) graph.tensors[i].quantization = softmax_output(format.bits);
      if (shares(i, node.inputs[0]))
        graph.tensors[i].quantization = choose_activation(spans[index_of(groups[i])], door);
    }
  }
  return {};
}

void quantize_parameters(Graph& graph, const std::vector<WeightFormat>& formats, bool per_channel,
                         WeightScale method) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    Parameter* weight = node.parameter("weight");
    if (weight == nullptr) continue;
    Parameter* bias = node.parameter("bias");
    const float x_scale = graph.tensors[index_of(node.inputs[0])].quantization->scale;
    const int axis = per_channel ? channel_axis(node.op) : -1;
    const auto lowest = min_weight_scales(*weight, bias, x_scale, axis);
    quantize_weight(*weight, formats[n], axis,
                    choose_weight_scales(*weight, formats[n], axis, method, lowest));
    if (bias != nullptr) quantize_bias(*bias, x_scale, weight->quantized->scales);
  }
}

}  // namespace coppice::quant
