#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "coppice/core/result.h"

namespace coppice::sweep {

/// JSON whose objects keep the order in which they were written.
using Json = nlohmann::ordered_json;

/// `pointer` with one more step, escaped as RFC 6901 asks ("/" is "~1", "~" is "~0").
std::string child_pointer(const std::string& pointer, std::string_view key);
std::string child_pointer(const std::string& pointer, size_t index);

/// A JSON text (with `//` and `/* */` comments) that remembers where each key and value stands, so
/// that an error about its meaning can name the line and column as a syntax error does.
class LocatedJson {
 public:
  LocatedJson() = default;

  /// Parses `text`. `source` is the name that errors carry, such as the file's path. A syntax
  /// error and a key that stands twice in an object are errors: "source:line:column: ...".
  static Result<LocatedJson> parse(std::string_view text, std::string source);

  /// Applies "a.b.0.c=value" (keys and list indices between dots; an index one past the end
  /// appends). The value is JSON, or else a bare word taken as a string. Missing objects are
  /// made. Errors about the value later name the assignment instead of a line.
  Status set(std::string_view assignment);

  const Json& json() const { return json_; }

  /// "source:line:column: /pointer: message", at the key for `at_key`, else at the value. What is
  /// not in the text (a missing key) is placed at its nearest parent.
  std::string error_at(const std::string& pointer, std::string_view message,
                       bool at_key = false) const;

 private:
  friend class LocatingBuilder;
  struct Place {
    size_t key = 0;
    size_t value = 0;
  };
  std::string line_and_column(size_t offset) const;

  std::string text_;
  std::string source_;
  Json json_;
  std::map<std::string, Place> places_;           ///< By JSON pointer.
  std::map<std::string, std::string> overrides_;  ///< Pointer -> "--set a.b=value".
};

}  // namespace coppice::sweep
