#include "coppice/sweep/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <optional>

#include "coppice/core/file.h"
#include "coppice/core/text.h"
#include "coppice/sweep/tables.h"

namespace coppice::sweep {
namespace {

/// 12 significant digits: 0.1 + 2 * 0.1 becomes 0.3, and no library's last digit shows.
double rounded(double value) { return std::stod(fmt::format("{:.12g}", value)); }

/// The points of {"min", "max", "n", "scale"}; whole numbers for an integer field, each once.
Json range_values(double low, double high, int count, bool logarithmic, bool whole) {
  Json values = Json::array();
  for (int i = 0; i < count; ++i) {
    const double share = count == 1 ? 0.0 : static_cast<double>(i) / (count - 1);
    double value = logarithmic ? low * std::pow(high / low, share) : low + (high - low) * share;
    if (i == count - 1 && count > 1) value = high;
    Json entry = rounded(value);
    if (whole) entry = static_cast<int64_t>(std::llround(value));
    if (values.empty() || values.back() != entry) values.push_back(entry);
  }
  return values;
}

/// Walks a config beside its tables, collects what is wrong and builds the resolved form.
class Resolver {
 public:
  explicit Resolver(const LocatedJson& source) : source_(source) {}

  Json resolve();
  const std::vector<std::string>& errors() const { return errors_; }

 private:
  void fail(const std::string& pointer, const std::string& message, bool at_key = false) {
    errors_.push_back(source_.error_at(pointer, message, at_key));
  }

  bool expect_object(const Json& value, const std::string& pointer);
  void unknown_key(const std::string& pointer, const std::string& key,
                   const std::vector<std::string>& known, const char* what = "key");
  Json field(const Field& spec, const Json& value, const std::string& pointer);
  Json swept(const Field& spec, const Json& value, const std::string& pointer);
  Json range(const Field& spec, const Json& value, const std::string& pointer);
  std::optional<double> range_number(const Json& value, const char* key,
                                     const std::string& pointer);
  Json free_form(const Json& value, const std::string& pointer);
  void fields(const Table& table, const Json& value, const std::string& pointer,
              const std::vector<std::string>& also_known, Json& result);
  Json object(const Table& table, const Json& value, const std::string& pointer);
  Json dataset(const Json& value, const std::string& pointer);
  Json model(const Json& value, const std::string& pointer);
  Json steps(const Json& value, const std::string& pointer);
  void refuse_swept(const Json& values, const std::string& pointer);
  void check_order(const Json& steps, const std::string& pointer);

  const LocatedJson& source_;
  std::vector<std::string> errors_;
};

bool Resolver::expect_object(const Json& value, const std::string& pointer) {
  if (value.is_object()) return true;
  fail(pointer,
       fmt::format("expected an object, found {}", value.is_array() ? "a list" : value.dump()));
  return false;
}

void Resolver::unknown_key(const std::string& pointer, const std::string& key,
                           const std::vector<std::string>& known, const char* what) {
  std::string hint = did_you_mean(key, known);
  if (hint.empty()) hint = fmt::format("; allowed: {}", fmt::join(known, ", "));
  fail(child_pointer(pointer, key), fmt::format("unknown {}{}", what, hint), true);
}

/// One value of a field, or all values of its sweep.
Json Resolver::field(const Field& spec, const Json& value, const std::string& pointer) {
  if (value.is_object()) return swept(spec, value, pointer);
  if (const auto reason = explain_misfit(spec, value); !reason.empty()) {
    fail(pointer, reason);
    return spec.default_value;
  }
  return normalize(spec, value);
}

Json Resolver::swept(const Field& spec, const Json& value, const std::string& pointer) {
  static const std::vector<std::string> known = {"values", "min", "max", "n", "scale"};
  for (const auto& [key, entry] : value.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) unknown_key(pointer, key, known);
  }
  if (!value.contains("values")) return range(spec, value, pointer);
  if (value.size() > 1) fail(pointer, "\"values\" stands alone, without a range");
  const Json& list = value["values"];
  const std::string list_pointer = child_pointer(pointer, "values");
  if (!list.is_array() || list.empty()) {
    fail(list_pointer, "expected a list of at least one value");
    return spec.default_value;
  }
  Json values = Json::array();
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string entry_pointer = child_pointer(list_pointer, i);
    Json entry = spec.default_value;
    if (const auto reason = explain_misfit(spec, list[i]); !reason.empty()) {
      fail(entry_pointer, reason);
    } else {
      entry = normalize(spec, list[i]);
      if (std::find(values.begin(), values.end(), entry) != values.end()) {
        fail(entry_pointer, fmt::format("{} stands twice in the list", list[i].dump()));
      }
    }
    values.push_back(entry);
  }
  return {{"values", values}};
}

std::optional<double> Resolver::range_number(const Json& value, const char* key,
                                             const std::string& pointer) {
  const auto found = value.find(key);
  if (found == value.end()) {
    fail(pointer, fmt::format("missing required key \"{}\" of a range", key));
  } else if (!found->is_number()) {
    fail(child_pointer(pointer, key), fmt::format("expected a number, found {}", found->dump()));
  } else {
    return found->get<double>();
  }
  return std::nullopt;
}

Json Resolver::range(const Field& spec, const Json& value, const std::string& pointer) {
  const bool whole = spec.kind == FieldKind::kInteger;
  if ((!whole && spec.kind != FieldKind::kNumber) || !spec.allowed.empty()) {
    fail(pointer, fmt::format("expected {}, or {{\"values\": [...]}}", spec.expectation()));
    return spec.default_value;
  }
  if (!value.contains("min") && !value.contains("max") && !value.contains("n")) {
    fail(pointer, fmt::format("expected {}, {{\"values\": [...]}} or {{\"min\", \"max\", \"n\"}}",
                              spec.expectation()));
    return spec.default_value;
  }
  const auto low = range_number(value, "min", pointer);
  const auto high = range_number(value, "max", pointer);
  const auto count = range_number(value, "n", pointer);
  const Json scale = value.value("scale", Json("linear"));
  if (!low || !high || !count) return spec.default_value;
  const size_t errors_before = errors_.size();
  if (*high < *low) fail(child_pointer(pointer, "max"), "must not be below \"min\"");
  if (*count < 1 || *count > 100000 || *count != std::floor(*count)) {
    fail(child_pointer(pointer, "n"), "expected a whole number of values, at least 1");
  }
  if (scale != "linear" && scale != "log") {
    fail(child_pointer(pointer, "scale"),
         fmt::format("{} is not one of linear, log", scale.dump()));
  }
  if (scale == "log" && *low <= 0)
    fail(child_pointer(pointer, "min"), "must be above 0 for \"log\"");
  for (const char* key : {"min", "max"}) {
    const auto reason = explain_misfit(spec, value[key]);
    if (!reason.empty()) fail(child_pointer(pointer, key), reason);
  }
  if (errors_.size() > errors_before) return spec.default_value;
  return {{"values", range_values(*low, *high, static_cast<int>(*count), scale == "log", whole)}};
}

/// A part that another reader checks (layers of a model): only its sweeps are resolved.
Json Resolver::free_form(const Json& value, const std::string& pointer) {
  if (is_swept(value)) {
    Field any;
    any.kind = FieldKind::kNumber;
    if (!value.contains("values")) return range(any, value, pointer);
    if (value["values"].is_array() && !value["values"].empty()) return value;
    fail(child_pointer(pointer, "values"), "expected a list of at least one value");
    return nullptr;
  }
  Json result = value;
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i)
      result[i] = free_form(value[i], child_pointer(pointer, i));
  } else if (value.is_object()) {
    for (const auto& [key, entry] : value.items()) {
      result[key] = free_form(entry, child_pointer(pointer, key));
    }
  }
  return result;
}

/// Adds every field of `table` to `result`: what `value` gives, else the default.
void Resolver::fields(const Table& table, const Json& value, const std::string& pointer,
                      const std::vector<std::string>& also_known, Json& result) {
  std::vector<std::string> known = table.field_names();
  known.insert(known.end(), also_known.begin(), also_known.end());
  for (const auto& [key, entry] : value.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) unknown_key(pointer, key, known);
  }
  for (const Field& spec : table.fields()) {
    const auto found = value.find(spec.name);
    if (found != value.end()) {
      result[spec.name] = field(spec, *found, child_pointer(pointer, spec.name));
    } else if (spec.required) {
      fail(pointer, fmt::format("missing required key \"{}\"", spec.name));
    } else if (!spec.default_value.is_null()) {
      result[spec.name] = normalize(spec, spec.default_value);
    }
  }
}

Json Resolver::object(const Table& table, const Json& value, const std::string& pointer) {
  Json result = Json::object();
  if (expect_object(value, pointer)) fields(table, value, pointer, {}, result);
  return result;
}

Json Resolver::dataset(const Json& value, const std::string& pointer) {
  Json result = object(dataset_table(), value, pointer);
  const bool has_home = result.value("type", Json()) == "fashion_mnist";
  if (value.is_object() && !value.contains("path") && !has_home) {
    fail(pointer, "missing required key \"path\"");
  }
  return result;
}

Json Resolver::model(const Json& value, const std::string& pointer) {
  Json result = Json::object();
  if (!expect_object(value, pointer)) return result;
  fields(model_table(), value, pointer, {"layers", "name"}, result);
  const int kinds = static_cast<int>(value.contains("arch")) +
                    static_cast<int>(value.contains("file")) +
                    static_cast<int>(value.contains("layers"));
  if (kinds != 1) fail(pointer, "expected exactly one of \"arch\", \"layers\", \"file\"");
  if (const auto layers = value.find("layers"); layers != value.end()) {
    const std::string layers_pointer = child_pointer(pointer, "layers");
    if (!layers->is_array() || layers->empty()) {
      fail(layers_pointer, "expected a list of layers");
    } else {
      result["name"] = value.value("name", Json("custom"));
      if (!result["name"].is_string()) fail(child_pointer(pointer, "name"), "expected a string");
      result["layers"] = free_form(*layers, layers_pointer);
    }
  } else if (value.contains("name")) {
    fail(child_pointer(pointer, "name"), "stands only beside \"layers\"", true);
  }
  return result;
}

Json Resolver::steps(const Json& value, const std::string& pointer) {
  Json result = Json::array();
  if (!value.is_array() || value.empty()) {
    fail(pointer, "expected a list of steps, such as [{\"train\": {\"epochs\": 20}}]");
    return result;
  }
  for (size_t i = 0; i < value.size(); ++i) {
    const std::string step_pointer = child_pointer(pointer, i);
    if (!value[i].is_object() || value[i].size() != 1) {
      fail(step_pointer,
           "expected an object with one key, the step's name, such as {\"train\": {...}}");
      continue;
    }
    const std::string& name = value[i].begin().key();
    const StepKind* kind = find_step_kind(name);
    if (kind == nullptr) {
      unknown_key(step_pointer, name, step_names(), "step");
      continue;
    }
    result.push_back(
        {{name, object(*kind->table, *value[i].begin(), child_pointer(step_pointer, name))}});
  }
  check_order(value, pointer);
  return result;
}

/// The model is finished before it is looked at, and each way of looking is used once: the test
/// split is touched once a trial.
void Resolver::check_order(const Json& steps, const std::string& pointer) {
  std::vector<std::string> looks;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i].is_object() || steps[i].size() != 1) continue;
    const std::string& name = steps[i].begin().key();
    const StepKind* kind = find_step_kind(name);
    if (kind == nullptr) continue;
    const std::string step_pointer = child_pointer(child_pointer(pointer, i), name);
    if (kind->changes_model && !looks.empty()) {
      fail(step_pointer,
           fmt::format("a step that changes the model may not follow \"{}\"", looks[0]), true);
    }
    if (kind->changes_model) continue;
    if (std::find(looks.begin(), looks.end(), name) != looks.end()) {
      fail(step_pointer, fmt::format("\"{}\" stands twice; one is enough", name), true);
    }
    looks.push_back(name);
  }
}

/// Values that belong to the sweep as a whole cannot differ between its trials.
void Resolver::refuse_swept(const Json& values, const std::string& pointer) {
  for (const auto& [key, value] : values.items()) {
    if (is_swept(value)) fail(child_pointer(pointer, key), "cannot be swept");
  }
}

Json Resolver::resolve() {
  const Json& json = source_.json();
  Json result = Json::object();
  if (!expect_object(json, "")) return result;
  static const std::vector<std::string> parts = {"dataset", "model", "steps", "report"};
  fields(top_table(), json, "", parts, result);
  refuse_swept(result, "");  // These say what the sweep is.
  for (const std::string& part : parts) {
    const auto found = json.find(part);
    const std::string pointer = child_pointer("", part);
    if (found == json.end()) {
      if (part == "report") result[part] = report_table().defaults();
      if (part != "report") fail("", fmt::format("missing required key \"{}\"", part));
      continue;
    }
    if (part == "dataset") result[part] = dataset(*found, pointer);
    if (part == "model") result[part] = model(*found, pointer);
    if (part == "steps") result[part] = steps(*found, pointer);
    if (part != "report") continue;
    result[part] = object(report_table(), *found, pointer);
    refuse_swept(result[part], pointer);
  }
  return result;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name[0] != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string::npos;
}

}  // namespace

bool is_swept(const Json& value) {
  if (!value.is_object()) return false;
  if (value.contains("values")) return value.size() == 1;
  if (!value.contains("min") || !value.contains("max") || !value.contains("n")) return false;
  return value.size() == 3 || (value.size() == 4 && value.contains("scale"));
}

Result<Config> parse_config(std::string_view text, const std::string& source,
                            const std::vector<std::string>& assignments) {
  Config config;
  COPPICE_TRY(config.source, LocatedJson::parse(text, source));
  for (const std::string& assignment : assignments) {
    COPPICE_TRY_STATUS(config.source.set(assignment));
  }
  Resolver resolver(config.source);
  config.resolved = resolver.resolve();
  std::vector<std::string> errors = resolver.errors();
  const auto& resolved = config.resolved;
  if (errors.empty()) {
    config.name = resolved["name"].get<std::string>();
    config.seeds = resolved["seeds"].get<std::vector<uint64_t>>();
    if (!is_plain_name(config.name)) {
      errors.push_back(config.source.error_at(
          "/name", "expected letters, digits, \".\", \"_\" or \"-\": it names the run's folder"));
    }
    if (config.seeds.empty()) {
      errors.push_back(config.source.error_at("/seeds", "expected at least one seed"));
    }
  }
  if (!errors.empty()) return Error{ErrorCode::kConfig, fmt::format("{}", fmt::join(errors, "\n"))};
  return config;
}

Result<Config> load_config(const std::filesystem::path& path,
                           const std::vector<std::string>& assignments) {
  auto text = read_file(path);
  if (!text.ok()) return Error{ErrorCode::kConfig, text.error().message};
  return parse_config(*text, path.string(), assignments);
}

}  // namespace coppice::sweep
