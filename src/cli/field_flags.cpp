#include "cli/field_flags.h"

#include <fmt/format.h>

namespace coppice::cli {
namespace {

const char* value_name(sweep::FieldKind kind) {
  switch (kind) {
    case sweep::FieldKind::kBoolean:
      return "true|false";
    case sweep::FieldKind::kInteger:
      return "N";
    case sweep::FieldKind::kNumber:
      return "X";
    case sweep::FieldKind::kString:
      return "TEXT";
    case sweep::FieldKind::kIntegers:
      return "N,N,...";
    case sweep::FieldKind::kNumbers:
      return "X,X,...";
    case sweep::FieldKind::kStrings:
      return "TEXT,TEXT,...";
  }
  return "";
}

std::string description(const sweep::Field& field) {
  std::string text = field.doc;
  const bool bounded = !field.allowed.empty() || field.minimum || field.maximum;
  if (bounded) text += ": " + field.expectation();
  const bool empty = field.default_value.empty() || field.default_value == "";
  if (!empty && !field.required) {
    text += fmt::format(" [{}]", sweep::normalize(field, field.default_value).dump());
  }
  return text;
}

}  // namespace

void FieldFlags::add_to(CLI::App& verb, const sweep::Table& table, const std::string& prefix) {
  for (const sweep::Field& field : table.fields()) {
    const std::string name = "--" + prefix + field.name;
    auto text = std::make_shared<std::string>();
    const auto* option = verb.add_option(name, *text, description(field))
                             ->type_name(value_name(field.kind))
                             ->group(prefix.empty() ? "Options" : table.doc());
    flags_.push_back({&field, name, std::move(text), option});
  }
}

Result<sweep::Json> FieldFlags::apply(sweep::Json base) const {
  for (const Flag& flag : flags_) {
    if (flag.option->count() == 0) continue;
    COPPICE_TRY(base[flag.field->name], sweep::parse_flag(*flag.field, *flag.text, flag.name));
  }
  return base;
}

ExitStatus report_config_error(const Error& error) {
  if (error.code != ErrorCode::kConfig) return report_error(error);
  fmt::print(stderr, "{}\n", error.message);
  return kUsageError;
}

}  // namespace coppice::cli
