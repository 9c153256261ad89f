#pragma once

#include <cassert>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <vector>

#include "coppice/sweep/located_json.h"

namespace coppice::sweep {

/// What a field's JSON value must be.
enum class FieldKind { kBoolean, kInteger, kNumber, kString, kIntegers, kNumbers, kStrings };

/// "a number", "a list of strings", ...: the kind in an error message.
std::string_view kind_name(FieldKind kind);

/// One setting: what a config, a command line flag, the JSON Schema and the reference page know
/// about it, and which member of the options it fills.
struct Field {
  std::string name;
  FieldKind kind = FieldKind::kNumber;
  std::string doc;   ///< One line, without a full stop at its end.
  std::string unit;  ///< "ms", "epochs", ...; empty for a plain number.
  std::optional<double> minimum;
  std::optional<double> maximum;
  bool below_maximum = false;  ///< The maximum itself is not allowed.
  bool above_minimum = false;  ///< The minimum itself is not allowed.
  std::vector<Json> allowed;   ///< The only values (of each entry, for a list).
  bool required = false;       ///< A config must give it.
  bool layer_pattern = false;  ///< Each entry's first word must match a layer of the model.
  /// Strings with a grammar of their own: why one does not fit it, or "".
  std::function<std::string(const std::string&)> misfit;
  Json default_value;                              ///< What an absent key means.
  std::function<void(void*, const Json&)> assign;  ///< Empty: no member, the config alone uses it.

  Field& in_range(double low, double high) { return minimum = low, maximum = high, *this; }
  Field& at_least(double low) { return minimum = low, *this; }
  Field& above(double low) { return minimum = low, above_minimum = true, *this; }
  Field& below(double high) { return maximum = high, below_maximum = true, *this; }
  Field& in(const char* unit_name) { return unit = unit_name, *this; }
  Field& one_of(std::initializer_list<Json> values) { return allowed = values, *this; }
  Field& must_be_given() { return required = true, *this; }
  Field& parsed_by(std::function<std::string(const std::string&)> explain) {
    return misfit = std::move(explain), *this;
  }
  Field& matches_layers() { return layer_pattern = true, *this; }
  Field& by_default(Json value) { return default_value = std::move(value), *this; }

  /// What is expected, for messages and the reference: "a number in [0, 1)".
  std::string expectation() const;
};

/// The settings of one options struct (or, without a struct, of one part of a config).
class Table {
 public:
  /// Names and values of an enum as configs write them.
  template <class E>
  using Names = std::vector<std::pair<const char*, E>>;

  Table(std::string name, std::string doc) : name_(std::move(name)), doc_(std::move(doc)) {}

  const std::string& name() const { return name_; }
  const std::string& doc() const { return doc_; }
  const std::vector<Field>& fields() const { return fields_; }
  const Field* find(std::string_view field_name) const;
  std::vector<std::string> field_names() const;

  /// A field for a member of T; its default is that of a fresh T.
  template <class T, class M>
  Field& add(const char* name, M T::*member, const char* doc);

  /// A field for an enum member, written as one of `names`.
  template <class T, class E>
  Field& add(const char* name, E T::*member, const Names<E>& names, const char* doc);

  /// A field without a member.
  Field& add(const char* name, FieldKind kind, const char* doc);

  /// The same fields under another name; with `changed` defaults.
  Table derive(std::string name, std::string doc,
               std::initializer_list<std::pair<const char*, Json>> changed) const;

  /// A T with each member set from `values`, which hold valid values; absent keys keep the
  /// table's default.
  template <class T>
  T options(const Json& values) const;

  /// All defaults as an object, required fields left out.
  Json defaults() const;

 private:
  template <class T>
  void bind() {
    assert(!type_ || *type_ == typeid(T));
    type_ = typeid(T);
  }

  std::string name_;
  std::string doc_;
  std::optional<std::type_index> type_;
  std::vector<Field> fields_;
};

/// The shortest decimal that reads back as this float: 0.001, not 0.0010000000474974513.
double shortest_decimal(float value);

/// Why `value` does not fit the field, or "" when it does. A whole number is a number; a number
/// like 3.0 is an integer.
std::string explain_misfit(const Field& field, const Json& value);

/// The value in the form that is stored and hashed (numbers as floating point, integers as such).
Json normalize(const Field& field, const Json& value);

/// A value from a command line: JSON, a bare word for a string, or "a,b" for a list. `flag` names
/// it in the error.
Result<Json> parse_flag(const Field& field, const std::string& text, const std::string& flag);

namespace detail {

template <class M>
constexpr FieldKind kind_of() {
  if constexpr (std::is_same_v<M, bool>) return FieldKind::kBoolean;
  if constexpr (std::is_same_v<M, std::string>) return FieldKind::kString;
  if constexpr (std::is_same_v<M, std::vector<std::string>>) return FieldKind::kStrings;
  if constexpr (std::is_same_v<M, std::vector<int>>) return FieldKind::kIntegers;
  if constexpr (std::is_same_v<M, std::vector<double>>) return FieldKind::kNumbers;
  if constexpr (std::is_floating_point_v<M>) return FieldKind::kNumber;
  return FieldKind::kInteger;
}

}  // namespace detail

template <class T, class M>
Field& Table::add(const char* name, M T::*member, const char* doc) {
  bind<T>();
  Field& field = add(name, detail::kind_of<M>(), doc);
  if constexpr (std::is_same_v<M, float>) {
    field.default_value = shortest_decimal(T{}.*member);
  } else {
    field.default_value = T{}.*member;
  }
  field.assign = [member](void* target, const Json& value) {
    static_cast<T*>(target)->*member = value.get<M>();
  };
  return field;
}

template <class T, class E>
Field& Table::add(const char* name, E T::*member, const Names<E>& names, const char* doc) {
  bind<T>();
  Field& field = add(name, FieldKind::kString, doc);
  for (const auto& entry : names) {
    field.allowed.push_back(entry.first);
    if (entry.second == T{}.*member) field.default_value = entry.first;
  }
  field.assign = [member, names](void* target, const Json& value) {
    for (const auto& entry : names) {
      if (value == entry.first) static_cast<T*>(target)->*member = entry.second;
    }
  };
  return field;
}

template <class T>
T Table::options(const Json& values) const {
  assert(type_ && *type_ == typeid(T));
  T result;
  for (const Field& field : fields_) {
    if (!field.assign) continue;
    const auto found = values.find(field.name);
    const Json& value = found != values.end() ? *found : field.default_value;
    if (!value.is_null()) field.assign(&result, value);
  }
  return result;
}

}  // namespace coppice::sweep
