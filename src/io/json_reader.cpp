#include "coppice/io/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "coppice/core/text.h"

namespace coppice::io {
namespace {

using Json = nlohmann::ordered_json;

// A value as it may stand in a message: never longer than a line.
std::string shown(const Json& json) {
  if (json.is_object()) return "an object";
  std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return text;
}

bool integer_in(const Json& json, int low, int high) {
  if (json.is_number_unsigned())
    return high >= 0 && json.get<uint64_t>() <= static_cast<uint64_t>(high) &&
           (low <= 0 || json.get<uint64_t>() >= static_cast<uint64_t>(low));
  return json.is_number_integer() && json.get<int64_t>() >= low && json.get<int64_t>() <= high;
}

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& source) {
  std::vector<std::set<std::string>> open_objects;
  std::string repeated;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key && repeated.empty()) {
      const auto key = parsed.get<std::string>();
      if (!open_objects.back().insert(key).second) repeated = key;
    }
    return true;
  };
  try {
    Json json = Json::parse(text.begin(), text.end(), watch, true, true);
    if (repeated.empty()) return json;
    return Error{ErrorCode::kConfig,
                 fmt::format("{}: key \"{}\" stands twice in one object", source, repeated)};
  } catch (const nlohmann::json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const std::string_view what = error.what();
    const size_t start = what.find("] ");
    return Error{ErrorCode::kConfig,
                 fmt::format("{}: {}", source, start == what.npos ? what : what.substr(start + 2))};
  }
}

JsonReader::JsonReader(const Json& json, std::string pointer)
    : json_(json), pointer_(std::move(pointer)) {
  if (!json_.is_object()) fail({}, "expected an object, found " + shown(json_));
}

void JsonReader::fail(std::string_view key, const std::string& what) {
  std::string place = key.empty() ? pointer_ : fmt::format("{}/{}", pointer_, key);
  if (place.empty()) place = "/";
  fail(Error{ErrorCode::kConfig, fmt::format("{}: {}", place, what)});
}

void JsonReader::fail(const Error& error) {
  if (!error_) error_ = error;
}

void JsonReader::fail_type(std::string_view key, const std::string& expected, const Json& found) {
  fail(key, fmt::format("expected {}, found {}", expected, shown(found)));
}

const Json* JsonReader::get(std::string_view key, Presence presence) {
  known_.emplace_back(key);
  if (error_) return nullptr;
  const auto found = json_.find(std::string(key));
  if (found != json_.end()) return &*found;
  if (presence == Presence::kRequired) fail({}, fmt::format("lacks the key \"{}\"", key));
  return nullptr;
}

void JsonReader::integer(std::string_view key, int& value, int low, int high, Presence presence) {
  const Json* json = get(key, presence);
  if (json == nullptr) return;
  if (!integer_in(*json, low, high))
    return fail_type(key, fmt::format("an integer from {} to {}", low, high), *json);
  value = json->get<int>();
}

void JsonReader::number(std::string_view key, float& value, double low, double high,
                        Presence presence) {
  const Json* json = get(key, presence);
  if (json == nullptr) return;
  const double number = json->is_number() ? json->get<double>() : std::nan("");
  if (!(number >= low && number <= high))
    return fail_type(key, fmt::format("a number from {} to {}", low, high), *json);
  value = static_cast<float>(number);
}

void JsonReader::boolean(std::string_view key, bool& value, Presence presence) {
  const Json* json = get(key, presence);
  if (json == nullptr) return;
  if (!json->is_boolean()) return fail_type(key, "true or false", *json);
  value = json->get<bool>();
}

void JsonReader::text(std::string_view key, std::string& value, Presence presence) {
  const Json* json = get(key, presence);
  if (json == nullptr) return;
  if (!json->is_string()) return fail_type(key, "a string", *json);
  value = json->get<std::string>();
}

void JsonReader::texts(std::string_view key, std::vector<std::string>& values, Presence presence) {
  const Json* json = get(key, presence);
  if (json == nullptr) return;
  const bool fits =
      json->is_array() &&
      std::all_of(json->begin(), json->end(), [](const Json& item) { return item.is_string(); });
  if (!fits) return fail_type(key, "an array of strings", *json);
  values = json->get<std::vector<std::string>>();
}

void JsonReader::integers(std::string_view key, std::vector<int>& values, size_t least, size_t most,
                          int low, int high, Presence presence) {
  const Json* json = get(key, presence);
  if (json == nullptr) return;
  const bool fits = json->is_array() && json->size() >= least && json->size() <= most &&
                    std::all_of(json->begin(), json->end(),
                                [&](const Json& item) { return integer_in(item, low, high); });
  if (fits) {
    values = json->get<std::vector<int>>();
    return;
  }
  const std::string count =
      least == most ? std::to_string(least) : fmt::format("{} to {}", least, most);
  fail_type(key, fmt::format("an array of {} integers from {} to {}", count, low, high), *json);
}

void JsonReader::elements(std::string_view key, Presence presence,
                          const std::function<Status(const Json&, const std::string&)>& read) {
  const Json* json = get(key, presence);
  if (json == nullptr) return;
  if (!json->is_array()) return fail_type(key, "an array", *json);
  for (size_t i = 0; i < json->size() && ok(); ++i) {
    if (const Status status = read((*json)[i], fmt::format("{}/{}/{}", pointer_, key, i));
        !status.ok()) {
      fail(status.error());
    }
  }
}

Status JsonReader::finish() {
  if (error_) return *error_;
  for (const auto& [key, value] : json_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    fail(key, "unknown key" + did_you_mean(key, known_));
    return *error_;
  }
  return {};
}

}  // namespace coppice::io
