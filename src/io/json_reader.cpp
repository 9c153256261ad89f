#include "io/json_reader.h"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>

#include "coppice/core/text.h"

namespace coppice::io {
namespace {

// A value as it may stand in a message: never longer than a line.
std::string shown(const JsonValue& json) {
  if (json.IsObject()) return "an object";
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::ASCII<>> writer(buffer);
  json.Accept(writer);
  std::string text(buffer.GetString(), buffer.GetSize());
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return text;
}

bool integer_in(const JsonValue& json, int low, int high) {
  return json.IsInt64() && json.GetInt64() >= low && json.GetInt64() <= high;
}

}  // namespace

Result<JsonDocument> parse_json(std::string_view text) {
  JsonDocument document;
  rapidjson::MemoryStream stream(text.data(), text.size());
  document.ParseStream<kJsonFlags, rapidjson::UTF8<>>(stream);
  // The parser takes a zero byte for the end.
  const bool whole = stream.Tell() == text.size();
  if (!document.HasParseError() && whole) return document;
  const size_t offset = document.HasParseError() ? document.GetErrorOffset() : stream.Tell();
  const std::string_view before = text.substr(0, offset);
  const auto code = document.HasParseError() ? document.GetParseError()
                                             : rapidjson::kParseErrorDocumentRootNotSingular;
  return Error{ErrorCode::kConfig, fmt::format("parse error at line {}, column {}: {}",
                                               1 + std::count(before.begin(), before.end(), '\n'),
                                               before.size() - (before.rfind('\n') + 1) + 1,
                                               rapidjson::GetParseError_En(code))};
}

JsonReader::JsonReader(const JsonValue& json, std::string pointer)
    : json_(json), pointer_(std::move(pointer)) {
  known_.reserve(16);
  if (!json_.IsObject()) fail({}, "expected an object, found " + shown(json_));
}

void JsonReader::fail(std::string_view key, const std::string& what) {
  std::string place = key.empty() ? pointer_ : fmt::format("{}/{}", pointer_, key);
  if (place.empty()) place = "/";
  fail(Error{ErrorCode::kConfig, fmt::format("{}: {}", place, what)});
}

void JsonReader::fail(const Error& error) {
  if (!error_) error_ = error;
}

void JsonReader::fail_type(std::string_view key, const std::string& expected,
                           const JsonValue& found) {
  fail(key, fmt::format("expected {}, found {}", expected, shown(found)));
}

const JsonValue* JsonReader::get(std::string_view key, Presence presence) {
  known_.emplace_back(key);
  if (error_) return nullptr;
  const JsonValue* value = nullptr;
  for (const auto& member : json_.GetObject()) {
    if (text_of(member.name) != key) continue;
    if (value != nullptr) return fail(key, "stands twice in one object"), nullptr;
    value = &member.value;
  }
  if (value == nullptr && presence == Presence::kRequired)
    fail({}, fmt::format("lacks the key \"{}\"", key));
  return value;
}

void JsonReader::integer(std::string_view key, int& value, int low, int high, Presence presence) {
  const JsonValue* json = get(key, presence);
  if (json == nullptr) return;
  if (!integer_in(*json, low, high))
    return fail_type(key, fmt::format("an integer from {} to {}", low, high), *json);
  value = json->GetInt();
}

void JsonReader::number(std::string_view key, float& value, double low, double high,
                        Presence presence) {
  const JsonValue* json = get(key, presence);
  if (json == nullptr) return;
  const double number = json->IsNumber() ? json->GetDouble() : std::nan("");
  if (!(number >= low && number <= high))
    return fail_type(key, fmt::format("a number from {} to {}", low, high), *json);
  value = static_cast<float>(number);
}

void JsonReader::boolean(std::string_view key, bool& value, Presence presence) {
  const JsonValue* json = get(key, presence);
  if (json == nullptr) return;
  if (!json->IsBool()) return fail_type(key, "true or false", *json);
  value = json->GetBool();
}

void JsonReader::text(std::string_view key, std::string& value, Presence presence) {
  const JsonValue* json = get(key, presence);
  if (json == nullptr) return;
  if (!json->IsString()) return fail_type(key, "a string", *json);
  value = text_of(*json);
}

void JsonReader::texts(std::string_view key, std::vector<std::string>& values, Presence presence) {
  const JsonValue* json = get(key, presence);
  if (json == nullptr) return;
  const bool fits =
      json->IsArray() && std::all_of(json->Begin(), json->End(),
                                     [](const JsonValue& item) { return item.IsString(); });
  if (!fits) return fail_type(key, "an array of strings", *json);
  values.clear();
  for (const JsonValue& item : json->GetArray()) values.emplace_back(text_of(item));
}

void JsonReader::integers(std::string_view key, std::vector<int>& values, size_t least, size_t most,
                          int low, int high, Presence presence) {
  const JsonValue* json = get(key, presence);
  if (json == nullptr) return;
  const bool fits = json->IsArray() && json->Size() >= least && json->Size() <= most &&
                    std::all_of(json->Begin(), json->End(),
                                [&](const JsonValue& item) { return integer_in(item, low, high); });
  if (fits) {
    values.clear();
    for (const JsonValue& item : json->GetArray()) values.push_back(item.GetInt());
    return;
  }
  const std::string count =
      least == most ? std::to_string(least) : fmt::format("{} to {}", least, most);
  fail_type(key, fmt::format("an array of {} integers from {} to {}", count, low, high), *json);
}

void JsonReader::elements(std::string_view key, Presence presence,
                          const std::function<Status(const JsonValue&, const std::string&)>& read) {
  const JsonValue* json = get(key, presence);
  if (json == nullptr) return;
  if (!json->IsArray()) return fail_type(key, "an array", *json);
  const std::string place = pointer_ + "/" + std::string(key) + "/";
  for (rapidjson::SizeType i = 0; i < json->Size() && ok(); ++i) {
    if (const Status status = read((*json)[i], place + std::to_string(i)); !status.ok())
      fail(status.error());
  }
}

Status JsonReader::finish() {
  if (error_) return *error_;
  for (const auto& member : json_.GetObject()) {
    const std::string_view key = text_of(member.name);
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    fail(key, "unknown key" + did_you_mean(std::string(key), known_));
    return *error_;
  }
  return {};
}

}  // namespace coppice::io
