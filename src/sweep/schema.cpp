#include "coppice/sweep/reference.h"
#include "coppice/sweep/tables.h"

namespace coppice::sweep {
namespace {

/// What one value (an entry, for a list) must be.
Json entry_schema(const Field& field, const char* type) {
  Json schema = Json::object();
  if (!field.allowed.empty()) {
    schema["enum"] = field.allowed;
    return schema;
  }
  schema["type"] = type;
  if (field.minimum) schema[field.above_minimum ? "exclusiveMinimum" : "minimum"] = *field.minimum;
  if (field.maximum) schema[field.below_maximum ? "exclusiveMaximum" : "maximum"] = *field.maximum;
  return schema;
}

Json value_schema(const Field& field) {
  switch (field.kind) {
    case FieldKind::kBoolean:
      return entry_schema(field, "boolean");
    case FieldKind::kInteger:
      return entry_schema(field, "integer");
    case FieldKind::kNumber:
      return entry_schema(field, "number");
    case FieldKind::kString:
      return entry_schema(field, "string");
    case FieldKind::kIntegers:
      return {{"type", "array"}, {"items", entry_schema(field, "integer")}};
    case FieldKind::kNumbers:
      return {{"type", "array"}, {"items", entry_schema(field, "number")}};
    case FieldKind::kStrings:
      return {{"type", "array"}, {"items", entry_schema(field, "string")}};
  }
  return {};
}

Json closed_object(Json properties, Json required) {
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

Json list_of_values(Json items) {
  Json values = {
      {"type", "array"}, {"minItems", 1}, {"uniqueItems", true}, {"items", std::move(items)}};
  return closed_object({{"values", std::move(values)}}, Json::array({"values"}));
}

/// The value itself, several of them, or a range.
Json field_schema(const Field& field, bool sweepable) {
  Json schema = {{"description", field.doc + (field.unit.empty() ? "" : " [" + field.unit + "]")}};
  if (!field.default_value.is_null()) schema["default"] = normalize(field, field.default_value);
  if (!sweepable) {
    schema.update(value_schema(field));
    return schema;
  }
  Json choices = Json::array({value_schema(field), list_of_values(value_schema(field))});
  const bool numeric = field.kind == FieldKind::kInteger || field.kind == FieldKind::kNumber;
  if (numeric && field.allowed.empty()) {
    choices.push_back({{"$ref", "#/$defs/range"}});
  }
  schema["anyOf"] = std::move(choices);
  return schema;
}

Json table_schema(const Table& table, bool sweepable = true) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Field& field : table.fields()) {
    properties[field.name] = field_schema(field, sweepable);
    if (field.required) required.push_back(field.name);
  }
  Json schema = closed_object(std::move(properties), std::move(required));
  schema["description"] = table.doc();
  return schema;
}

Json range_schema() {
  Json properties = {{"min", {{"type", "number"}}},
                     {"max", {{"type", "number"}}},
                     {"n", {{"type", "integer"}, {"minimum", 1}}},
                     {"scale", {{"enum", {"linear", "log"}}, {"default", "linear"}}}};
  return closed_object(std::move(properties), Json::array({"min", "max", "n"}));
}

Json model_schema() {
  Json schema = table_schema(model_table());
  schema["properties"]["layers"] = {
      {"description", "A network written as layers"},
      {"type", "array"},
      {"minItems", 1},
      {"items", {{"type", "object"}, {"required", Json::array({"op"})}}}};
  schema["properties"]["name"] = {{"description", "Name of a network written as layers"},
                                  {"type", "string"}};
  schema["oneOf"] = Json::array();
  for (const char* key : {"arch", "layers", "file"}) {
    schema["oneOf"].push_back({{"required", Json::array({key})}});
  }
  return schema;
}

Json step_schema() {
  Json properties = Json::object();
  for (const StepKind& kind : step_kinds()) {
    properties[kind.table->name()] = {{"$ref", "#/$defs/" + kind.table->name()}};
  }
  Json schema = closed_object(std::move(properties), Json::array());
  schema["minProperties"] = 1;
  schema["maxProperties"] = 1;
  return schema;
}

}  // namespace

Json config_schema() {
  Json properties = Json::object();
  for (const Field& field : top_table().fields()) {
    properties[field.name] = field_schema(field, /*sweepable=*/false);
  }
  properties["name"]["pattern"] = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$";
  properties["seeds"]["minItems"] = 1;
  properties["dataset"] = {{"$ref", "#/$defs/dataset"}};
  properties["model"] = {{"$ref", "#/$defs/model"}};
  properties["steps"] = {{"type", "array"}, {"minItems", 1}, {"items", {{"$ref", "#/$defs/step"}}}};
  properties["report"] = {{"$ref", "#/$defs/report"}};

  Json definitions = {{"range", range_schema()},
                      {"dataset", table_schema(dataset_table())},
                      {"model", model_schema()},
                      {"step", step_schema()}};
  for (const StepKind& kind : step_kinds()) {
    definitions[kind.table->name()] = table_schema(*kind.table);
  }
  definitions["report"] = table_schema(report_table(), /*sweepable=*/false);

  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "Coppice sweep config"}};
  schema.update(closed_object(std::move(properties),
                              Json::array({"version", "name", "dataset", "model", "steps"})));
  schema["$defs"] = std::move(definitions);
  return schema;
}

}  // namespace coppice::sweep
