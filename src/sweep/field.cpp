#include "coppice/sweep/field.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "coppice/core/text.h"

namespace coppice::sweep {
namespace {

struct KindWords {
  const char* one;   ///< "a number"
  const char* bare;  ///< "number"
};

KindWords words(FieldKind kind) {
  switch (kind) {
    case FieldKind::kBoolean:
      return {"true or false", "true or false"};
    case FieldKind::kInteger:
      return {"an integer", "integer"};
    case FieldKind::kNumber:
      return {"a number", "number"};
    case FieldKind::kString:
      return {"a string", "string"};
    case FieldKind::kIntegers:
      return {"a list of integers", "list of integers"};
    case FieldKind::kNumbers:
      return {"a list of numbers", "list of numbers"};
    case FieldKind::kStrings:
      return {"a list of strings", "list of strings"};
  }
  return {"", ""};
}

bool is_list(FieldKind kind) {
  return kind == FieldKind::kIntegers || kind == FieldKind::kNumbers || kind == FieldKind::kStrings;
}

bool is_whole(const Json& value) {
  if (value.is_number_integer()) return true;
  if (!value.is_number_float()) return false;
  const double number = value.get<double>();
  return std::abs(number) < 9007199254740992.0 && number == std::floor(number);  // 2^53
}

bool has_kind(FieldKind kind, const Json& value) {
  const auto all = [&](FieldKind entry_kind) {
    return value.is_array() && std::all_of(value.begin(), value.end(), [&](const Json& entry) {
             return has_kind(entry_kind, entry);
           });
  };
  switch (kind) {
    case FieldKind::kBoolean:
      return value.is_boolean();
    case FieldKind::kInteger:
      return is_whole(value);
    case FieldKind::kNumber:
      return value.is_number();
    case FieldKind::kString:
      return value.is_string();
    case FieldKind::kIntegers:
      return all(FieldKind::kInteger);
    case FieldKind::kNumbers:
      return all(FieldKind::kNumber);
    case FieldKind::kStrings:
      return all(FieldKind::kString);
  }
  return false;
}

/// "the string \"abc\"", "the number 3", "a list": what stood there instead.
std::string describe(const Json& value) {
  if (value.is_string()) return "the string " + value.dump();
  if (value.is_number()) return "the number " + value.dump();
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return value.dump();  // true, false, null
}

std::string joined(const std::vector<Json>& values) {
  std::string text;
  for (const Json& value : values) {
    text += text.empty() ? "" : ", ";
    text += value.is_string() ? value.get<std::string>() : value.dump();
  }
  return text;
}

bool in_range(const Field& field, double number) {
  if (field.minimum && (field.above_minimum ? number <= *field.minimum : number < *field.minimum)) {
    return false;
  }
  return !field.maximum ||
         !(field.below_maximum ? number >= *field.maximum : number > *field.maximum);
}

std::string explain_entry(const Field& field, const Json& value) {
  if (!field.allowed.empty()) {
    if (std::find(field.allowed.begin(), field.allowed.end(), value) != field.allowed.end())
      return {};
    std::vector<std::string> names;
    for (const Json& entry : field.allowed) {
      if (entry.is_string()) names.push_back(entry.get<std::string>());
    }
    const std::string hint =
        value.is_string() ? did_you_mean(value.get_ref<const std::string&>(), names) : "";
    return fmt::format("{} is not one of {}{}", value.dump(), joined(field.allowed), hint);
  }
  if (field.misfit && value.is_string()) {
    const std::string reason = field.misfit(value.get<std::string>());
    if (!reason.empty()) return reason;
  }
  if (value.is_number() && !in_range(field, value.get<double>())) {
    return fmt::format("{} is out of range; expected {}", value.dump(), field.expectation());
  }
  return {};
}

}  // namespace

std::string_view kind_name(FieldKind kind) { return words(kind).one; }

std::string Field::expectation() const {
  std::string text(kind_name(kind));
  if (!unit.empty() && (kind == FieldKind::kInteger || kind == FieldKind::kNumber)) {
    text =
        fmt::format("{} of {}", kind == FieldKind::kInteger ? "a whole number" : "a number", unit);
  }
  if (!allowed.empty()) {
    return (is_list(kind) ? text + " from " : std::string("one of ")) + joined(allowed);
  }
  if (minimum && maximum) {
    return fmt::format("{} in {}{}, {}{}", text, above_minimum ? '(' : '[', *minimum, *maximum,
                       below_maximum ? ')' : ']');
  }
  if (minimum)
    return fmt::format("{} {} {}", text, above_minimum ? "above" : "of at least", *minimum);
  if (maximum)
    return fmt::format("{} {} {}", text, below_maximum ? "below" : "of at most", *maximum);
  return text;
}

const Field* Table::find(std::string_view field_name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const Field& field) { return field.name == field_name; });
  return found == fields_.end() ? nullptr : &*found;
}

std::vector<std::string> Table::field_names() const {
  std::vector<std::string> names;
  for (const Field& field : fields_) names.push_back(field.name);
  return names;
}

Field& Table::add(const char* name, FieldKind kind, const char* doc) {
  Field& field = fields_.emplace_back();
  field.name = name;
  field.kind = kind;
  field.doc = doc;
  return field;
}

Table Table::derive(std::string name, std::string doc,
                    std::initializer_list<std::pair<const char*, Json>> changed) const {
  Table result = *this;
  result.name_ = std::move(name);
  result.doc_ = std::move(doc);
  for (const auto& change : changed) {
    for (Field& field : result.fields_) {
      if (field.name == change.first) field.default_value = change.second;
    }
  }
  return result;
}

Json Table::defaults() const {
  Json values = Json::object();
  for (const Field& field : fields_) {
    if (!field.required && !field.default_value.is_null()) {
      values[field.name] = normalize(field, field.default_value);
    }
  }
  return values;
}

double shortest_decimal(float value) {
  char text[32];
  const auto [end, code] = std::to_chars(text, text + sizeof(text), value);
  double result = value;
  if (code == std::errc()) std::from_chars(text, end, result);
  return result;
}

std::string explain_misfit(const Field& field, const Json& value) {
  if (!has_kind(field.kind, value)) {
    return fmt::format("expected {}, found {}", field.expectation(), describe(value));
  }
  if (!is_list(field.kind)) return explain_entry(field, value);
  for (const Json& entry : value) {
    if (auto reason = explain_entry(field, entry); !reason.empty()) return reason;
  }
  return {};
}

Json normalize(const Field& field, const Json& value) {
  if (field.kind == FieldKind::kNumber && value.is_number()) return value.get<double>();
  if (field.kind == FieldKind::kInteger && value.is_number_float()) {
    return static_cast<int64_t>(value.get<double>());
  }
  if (field.kind == FieldKind::kNumbers && value.is_array()) {
    Json result = Json::array();
    for (const Json& entry : value) result.push_back(entry.get<double>());
    return result;
  }
  if (field.kind == FieldKind::kIntegers && value.is_array()) {
    Json result = Json::array();
    for (const Json& entry : value) result.push_back(entry.get<int64_t>());
    return result;
  }
  return value;
}

Result<Json> parse_flag(const Field& field, const std::string& text, const std::string& flag) {
  Json value;
  if (field.kind == FieldKind::kString) {
    value = text;
  } else if (is_list(field.kind) && (text.empty() || text[0] != '[')) {
    value = Json::array();
    for (size_t start = 0; start < text.size();) {
      const size_t comma = std::min(text.find(',', start), text.size());
      const std::string entry = text.substr(start, comma - start);
      auto number = Json::parse(entry, nullptr, /*allow_exceptions=*/false);
      const bool as_text = field.kind == FieldKind::kStrings || number.is_discarded();
      value.push_back(as_text ? Json(entry) : number);
      start = comma + 1;
    }
  } else {
    value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) value = text;
  }
  if (auto reason = explain_misfit(field, value); !reason.empty()) {
    return Error{ErrorCode::kConfig, fmt::format("{}: {}", flag, reason)};
  }
  return normalize(field, value);
}

}  // namespace coppice::sweep
