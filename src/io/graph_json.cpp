#include "coppice/io/graph_json.h"

#include <fmt/format.h>

#include <cfloat>

#include "io/op_archives.h"

namespace coppice::io {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;

Json shape_json(const Shape& shape) { return std::vector<int>(shape.begin(), shape.end()); }

Json tensor_json(const TensorInfo& tensor) {
  Json json{{"name", tensor.name}, {"shape", shape_json(tensor.shape)}};
  if (const auto& quantization = tensor.quantization) {
    json["quantization"] = {{"bits", quantization->bits},
                            {"scale", quantization->scale},
                            {"zero_point", quantization->zero_point}};
  }
  return json;
}

Json parameter_json(const Parameter& parameter) {
  Json json{{"name", parameter.name}, {"shape", shape_json(parameter.shape)}};
  if (!parameter.mask.empty()) json["mask"] = true;
  if (const auto& quantized = parameter.quantized) {
    json["quantized"] = {{"bits", quantized->bits}, {"axis", quantized->axis}};
    if (quantized->bits != 32) json["quantized"]["range"] = weight_range_name(quantized->range);
    if (quantized->precision != 0) json["quantized"]["precision"] = quantized->precision;
    if (quantized->group_size != 0) json["quantized"]["group_size"] = quantized->group_size;
  }
  return json;
}

Json node_json(const Node& node) {
  Json json{{"name", node.name}, {"op", op_name(node.op)}};
  Op op = node.op;
  OpWriter writer(json);
  std::visit([&](auto& typed) { fields(writer, typed); }, op);
  json["inputs"] = node.inputs;
  json["output"] = node.output;
  json["parameters"] = Json::array();
  for (const auto& parameter : node.parameters)
    json["parameters"].push_back(parameter_json(parameter));
  return json;
}

Shape to_shape(const std::vector<int>& sizes) {
  switch (sizes.size()) {
    case 1:
      return {sizes[0]};
    case 2:
      return {sizes[0], sizes[1]};
    case 3:
      return {sizes[0], sizes[1], sizes[2]};
    case 4:
      return {sizes[0], sizes[1], sizes[2], sizes[3]};
    default:
      return {};
  }
}

void read_shape(JsonReader& reader, size_t max_rank, Shape& shape) {
  std::vector<int> sizes;
  reader.integers("shape", sizes, 1, max_rank, 1, kMaxAxis, Presence::kRequired);
  int64_t elements = 1;
  for (int size : sizes) {
    elements *= size;
    if (elements > kMaxElements) return reader.fail("shape", "has more than 2^30 elements");
  }
  shape = to_shape(sizes);
}

Status read_activation_quantization(const JsonValue& json, const std::string& pointer,
                                    TensorInfo& tensor) {
  JsonReader reader(json, pointer);
  ActivationQuantization quantization;
  reader.integer("bits", quantization.bits, 2, 16, Presence::kRequired);
  reader.number("scale", quantization.scale, FLT_MIN, FLT_MAX, Presence::kRequired);
  const int half = 1 << (quantization.bits - 1);
  reader.integer("zero_point", quantization.zero_point, -half, half - 1, Presence::kRequired);
  tensor.quantization = quantization;
  return reader.finish();
}

Status read_tensor(const JsonValue& json, const std::string& pointer, Graph& graph) {
  JsonReader reader(json, pointer);
  TensorInfo tensor;
  reader.text("name", tensor.name, Presence::kRequired);
  read_shape(reader, 3, tensor.shape);
  if (const JsonValue* quantization = reader.get("quantization", Presence::kOptional)) {
    const auto status =
        read_activation_quantization(*quantization, pointer + "/quantization", tensor);
    if (!status.ok()) reader.fail(status.error());
  }
  graph.tensors.push_back(std::move(tensor));
  return reader.finish();
}

Status read_quantized(const JsonValue& json, const std::string& pointer, Parameter& parameter) {
  JsonReader reader(json, pointer);
  QuantizedValues quantized;
  reader.integer("bits", quantized.bits, 2, 32, Presence::kRequired);
  if (quantized.bits != 2 && quantized.bits != 4 && quantized.bits != 8 && quantized.bits != 32) {
    reader.fail("bits", fmt::format("expected 2, 4, 8 or 32, found {}", quantized.bits));
  }
  reader.integer("axis", quantized.axis, -1, parameter.shape.rank() - 1, Presence::kRequired);
  reader.integer("precision", quantized.precision, 1, quantized.bits, Presence::kOptional);
  reader.integer("group_size", quantized.group_size, 1, 1 << 20, Presence::kOptional);
  std::string range(weight_range_name(quantized.range));
  reader.text("range", range, Presence::kOptional);
  if (const auto known = parse_weight_range(range); known.ok()) {
    quantized.range = *known;
  } else {
    reader.fail("range", known.error().message);
  }
  parameter.quantized = std::move(quantized);
  return reader.finish();
}

Status read_parameter(const JsonValue& json, const std::string& pointer, Node& node) {
  JsonReader reader(json, pointer);
  Parameter parameter;
  reader.text("name", parameter.name, Presence::kRequired);
  read_shape(reader, 4, parameter.shape);
  bool masked = false;
  reader.boolean("mask", masked, Presence::kOptional);
  if (const JsonValue* quantized = reader.get("quantized", Presence::kOptional)) {
    const auto status = read_quantized(*quantized, pointer + "/quantized", parameter);
    if (!status.ok()) reader.fail(status.error());
  }
  if (node.parameter(parameter.name) != nullptr)
    reader.fail("name", "this layer has two parameters of this name");
  COPPICE_TRY_STATUS(reader.finish());
  // A mask that is there but not read yet: its size says so, as do the values.
  if (masked) parameter.mask.assign(1, 1);
  node.parameters.push_back(std::move(parameter));
  return {};
}

Status read_node(const JsonValue& json, const std::string& pointer, Graph& graph) {
  JsonReader reader(json, pointer);
  const int last = static_cast<int>(graph.tensors.size()) - 1;
  Node node;
  std::string op;
  reader.text("name", node.name, Presence::kRequired);
  reader.text("op", op, Presence::kRequired);
  if (auto made = make_op(op); made.ok()) {
    node.op = *made;
  } else {
    reader.fail("op", made.error().message);
  }
  OpReader op_reader(reader, nullptr);
  std::visit([&](auto& typed) { fields(op_reader, typed); }, node.op);
  reader.integers("inputs", node.inputs, 1, kMaxNodeInputs, 0, last, Presence::kRequired);
  reader.integer("output", node.output, 0, last, Presence::kRequired);
  reader.elements("parameters", Presence::kRequired,
                  [&](const JsonValue& item, const std::string& place) {
                    return read_parameter(item, place, node);
                  });
  graph.nodes.push_back(std::move(node));
  return reader.finish();
}

void read_metadata(JsonReader& reader, Graph& graph) {
  const JsonValue* json = reader.get("metadata", Presence::kRequired);
  if (json == nullptr) return;
  if (!json->IsObject()) return reader.fail("metadata", "expected an object of strings");
  for (const auto& member : json->GetObject()) {
    const std::string key(text_of(member.name));
    if (!member.value.IsString()) return reader.fail("metadata/" + key, "expected a string");
    if (!graph.metadata.emplace(key, text_of(member.value)).second)
      return reader.fail("metadata/" + key, "stands twice in one object");
  }
}

}  // namespace

Result<std::string> graph_to_json(const Graph& graph) {
  Json json{{"version", kFormatVersion},
            {"name", graph.name},
            {"rounding", rounding_name(graph.rounding)},
            {"class_names", graph.class_names},
            {"metadata", Json::object()},
            {"input", graph.input},
            {"output", graph.output},
            {"tensors", Json::array()},
            {"nodes", Json::array()}};
  for (const auto& [key, value] : graph.metadata) json["metadata"][key] = value;
  for (const auto& tensor : graph.tensors) json["tensors"].push_back(tensor_json(tensor));
  for (const auto& node : graph.nodes) json["nodes"].push_back(node_json(node));
  try {
    return json.dump();
  } catch (const nlohmann::json::exception&) {
    return Error{ErrorCode::kInvalidArgument, "a name or a metadata text is not valid UTF-8"};
  }
}

Result<Graph> graph_from_json(std::string_view text) {
  COPPICE_TRY(const JsonDocument json, parse_json(text));
  JsonReader reader(json, "");
  Graph graph;
  int version = 0;
  std::string rounding;
  reader.integer("version", version, 1, kFormatVersion, Presence::kRequired);
  reader.text("name", graph.name, Presence::kRequired);
  reader.text("rounding", rounding, Presence::kRequired);
  if (const auto parsed = parse_rounding(rounding); parsed.ok()) {
    graph.rounding = *parsed;
  } else {
    reader.fail("rounding", parsed.error().message);
  }
  reader.texts("class_names", graph.class_names, Presence::kRequired);
  read_metadata(reader, graph);
  reader.elements("tensors", Presence::kRequired,
                  [&](const JsonValue& item, const std::string& place) {
                    return read_tensor(item, place, graph);
                  });
  reader.elements("nodes", Presence::kRequired,
                  [&](const JsonValue& item, const std::string& place) {
                    return read_node(item, place, graph);
                  });
  const int last = static_cast<int>(graph.tensors.size()) - 1;
  reader.integer("input", graph.input, 0, last, Presence::kRequired);
  reader.integer("output", graph.output, 0, last, Presence::kRequired);
  COPPICE_TRY_STATUS(reader.finish());
  return graph;
}

}  // namespace coppice::io
