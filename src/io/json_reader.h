#pragma once

#include <rapidjson/document.h>
#include <rapidjson/memorystream.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"

namespace coppice::io {

using JsonValue = rapidjson::Value;
using JsonDocument = rapidjson::Document;

/// `//` and `/* */` comments are allowed; floats come back bit for bit; depth does not recurse.
inline constexpr unsigned kJsonFlags =
    rapidjson::kParseCommentsFlag | rapidjson::kParseFullPrecisionFlag |
    rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag;

/// Parses JSON text; a syntax error says where.
Result<JsonDocument> parse_json(std::string_view text);

inline std::string_view text_of(const JsonValue& string) {
  return {string.GetString(), string.GetStringLength()};
}

/// Whether a key must be there.
enum class Presence { kRequired, kOptional };

/// Reads one JSON object strictly. Each getter leaves its value alone when an optional key is
/// absent; the first error (missing key, one that stands twice, wrong type, out of range) sticks.
/// finish() returns it, or an error for the first key that no getter asked for, with the nearest
/// one that was. Errors start with the JSON pointer: "/layers/2/kernel: expected ...". Keys must
/// outlive the reader, as literals do.
class JsonReader {
 public:
  /// `json` must outlive the reader; anything but an object is an error.
  JsonReader(const JsonValue& json, std::string pointer);

  const std::string& pointer() const { return pointer_; }
  bool ok() const { return !error_.has_value(); }

  /// The value of a key, or null when it is absent (an error if required) or after an error.
  const JsonValue* get(std::string_view key, Presence presence);

  void integer(std::string_view key, int& value, int low, int high, Presence presence);
  /// A finite number in [low, high] that a float can hold.
  void number(std::string_view key, float& value, double low, double high, Presence presence);
  void boolean(std::string_view key, bool& value, Presence presence);
  void text(std::string_view key, std::string& value, Presence presence);
  void texts(std::string_view key, std::vector<std::string>& values, Presence presence);
  /// An array of `least` to `most` integers, each in [low, high].
  void integers(std::string_view key, std::vector<int>& values, size_t least, size_t most, int low,
                int high, Presence presence);
  /// An array; `read` is called for each element with its pointer until one fails.
  void elements(std::string_view key, Presence presence,
                const std::function<Status(const JsonValue&, const std::string&)>& read);

  /// Records an error at a key, or at the object itself for an empty key.
  void fail(std::string_view key, const std::string& what);
  void fail(const Error& error);

  Status finish();

 private:
  void fail_type(std::string_view key, const std::string& expected, const JsonValue& found);

  const JsonValue& json_;
  std::string pointer_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

}  // namespace coppice::io
