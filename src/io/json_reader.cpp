#include "coppice/io/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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

// Builds a value from the parser's events. nlohmann's own builder lets a key stand twice, and with
// a callback that watches for it takes three times as long.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // Not in JSON text.
  // Most have few members, and growing copies keys.
  bool start_object(size_t) override {
    add(Json::object());
    open_.back()->get_ref<Json::object_t&>().reserve(8);
    return true;
  }
  bool start_array(size_t) override {
    add(Json::array());
    open_.back()->get_ref<Json::array_t&>().reserve(4);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const auto [member, is_new] =
        open_.back()->get_ref<Json::object_t&>().emplace(std::move(name), nullptr);
    if (!is_new) error_ = fmt::format("key \"{}\" stands twice in one object", member->first);
    member_ = &member->second;
    return is_new;
  }

  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    const std::string_view what = error.what();
    const size_t start = what.find("] ");
    error_ = start == what.npos ? what : what.substr(start + 2);
    return false;
  }

  const std::string& error() const { return error_; }
  Json take() { return std::move(root_); }

 private:
  template <class T>
  bool add(T&& value) {
    Json* place = &root_;
    if (open_.empty()) {
      root_ = std::forward<T>(value);
    } else if (open_.back()->is_array()) {
      auto& items = open_.back()->get_ref<Json::array_t&>();
      items.emplace_back(std::forward<T>(value));
      place = &items.back();
    } else {
      place = member_;
      *place = std::forward<T>(value);
    }
    if (place->is_structured()) open_.push_back(place);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;  // A parent does not grow while a child of it is open.
  Json* member_ = nullptr;
  std::string error_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& source) {
  Builder builder;
  if (Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json,
                      /*strict=*/true, /*ignore_comments=*/true)) {
    return builder.take();
  }
  return Error{ErrorCode::kConfig, fmt::format("{}: {}", source, builder.error())};
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
