#include "coppice/sweep/located_json.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <vector>

namespace coppice::sweep {

std::string child_pointer(const std::string& pointer, std::string_view key) {
  std::string result = pointer + "/";
  for (const char c : key) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return result;
}

std::string child_pointer(const std::string& pointer, size_t index) {
  return pointer + "/" + std::to_string(index);
}

namespace {

/// Follows the parser's events through the text. nlohmann's SAX events carry no position, but
/// their order fixes which token each one is, so a cursor that skips what lies between tokens
/// finds where each begins.
class TokenCursor {
 public:
  explicit TokenCursor(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
  }

  /// Start of the next token, past blanks, comments and one separator.
  size_t next() {
    skip_blanks();
    if (at_ < text_.size() && (text_[at_] == ',' || text_[at_] == ':')) {
      ++at_;
      skip_blanks();
    }
    return at_;
  }

  size_t take_mark() {  // { } [ ]
    const size_t start = next();
    ++at_;
    return start;
  }

  size_t take_string() {
    const size_t start = next();
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    ++at_;
    return start;
  }

  size_t take_word() {  // Number, true, false or null.
    const size_t start = next();
    const auto in_word = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '+' || c == '-' ||
             c == '.';
    };
    while (at_ < text_.size() && in_word(text_[at_])) ++at_;
    return start;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size()) {
      if (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r') {
        ++at_;
      } else if (text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_, 2) == "/*") {
        const size_t end = text_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? text_.size() : end + 2;
      } else {
        return;
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

/// The part of nlohmann's message that says what is wrong, without its own idea of the place.
std::string plain_reason(const std::string& what) {
  const size_t dash = what.find(" - ");
  if (dash != std::string::npos) return what.substr(dash + 3);
  const size_t bracket = what.find("] ");
  return bracket == std::string::npos ? what : what.substr(bracket + 2);
}

}  // namespace

/// Receives the parser's events and builds the value together with the places of its parts.
class LocatingBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit LocatingBuilder(LocatedJson& target) : target_(target), cursor_(target.text_) {}

  bool null() override { return add(nullptr, cursor_.take_word()); }
  bool boolean(bool value) override { return add(value, cursor_.take_word()); }
  bool number_integer(number_integer_t value) override { return add(value, cursor_.take_word()); }
  bool number_unsigned(number_unsigned_t value) override { return add(value, cursor_.take_word()); }
  bool number_float(number_float_t value, const string_t&) override {
    return add(value, cursor_.take_word());
  }
  bool string(string_t& value) override { return add(value, cursor_.take_string()); }
  bool binary(binary_t&) override { return false; }  // Not in JSON text.
  bool start_object(size_t) override { return add(Json::object(), cursor_.take_mark()); }
  bool start_array(size_t) override { return add(Json::array(), cursor_.take_mark()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const size_t offset = cursor_.take_string();
    const std::string pointer = child_pointer(open_.back().pointer, name);
    const auto [place, is_new] = target_.places_.try_emplace(pointer);
    if (!is_new) {
      const std::string first = target_.line_and_column(place->second.key);
      place->second.key = offset;
      error_ = target_.error_at(pointer, "duplicate key; it stands already at " + first, true);
      return false;
    }
    place->second.key = offset;
    key_ = name;
    return true;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    error_ = fmt::format("{}:{}: syntax error: {}", target_.source_,
                         target_.line_and_column(cursor_.next()), plain_reason(error.what()));
    return false;
  }

  const std::string& error() const { return error_; }

 private:
  struct Open {
    Json* json;
    std::string pointer;
  };

  template <class T>
  bool add(T&& value, size_t offset) {
    Json* place = nullptr;
    std::string pointer;
    if (open_.empty()) {
      place = &(target_.json_ = std::forward<T>(value));
    } else if (Json& parent = *open_.back().json; parent.is_array()) {
      pointer = child_pointer(open_.back().pointer, parent.size());
      parent.push_back(std::forward<T>(value));
      place = &parent.back();
    } else {
      pointer = child_pointer(open_.back().pointer, key_);
      place = &(parent[key_] = std::forward<T>(value));
    }
    target_.places_[pointer].value = offset;
    if (place->is_structured()) open_.push_back({place, pointer});
    return true;
  }

  bool close() {
    cursor_.take_mark();
    open_.pop_back();
    return true;
  }

  LocatedJson& target_;
  TokenCursor cursor_;
  std::vector<Open> open_;
  std::string key_;
  std::string error_;
};

Result<LocatedJson> LocatedJson::parse(std::string_view text, std::string source) {
  LocatedJson result;
  result.text_ = text;
  result.source_ = std::move(source);
  LocatingBuilder builder(result);
  if (!Json::sax_parse(result.text_, &builder, Json::input_format_t::json, /*strict=*/true,
                       /*ignore_comments=*/true)) {
    return Error{ErrorCode::kConfig, builder.error()};
  }
  return result;
}

namespace {

std::optional<size_t> parse_index(std::string_view text) {
  size_t index = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return index;
}

/// The member of `json` that a part of a dotted path names; made when it may be.
Result<Json*> descend(Json& json, std::string_view part, std::string_view assignment) {
  const auto fail = [&](const std::string& reason) {
    return Error{ErrorCode::kConfig, fmt::format("--set {}: {}", assignment, reason)};
  };
  if (json.is_null()) json = Json::object();
  if (json.is_object()) return &json[std::string(part)];
  if (!json.is_array()) return fail(fmt::format("\"{}\" is inside a single value", part));
  const auto index = parse_index(part);
  if (!index) return fail(fmt::format("\"{}\" is not a list index", part));
  if (*index > json.size()) {
    return fail(fmt::format("index {} is past the end of a list of {}", *index, json.size()));
  }
  if (*index == json.size()) json.push_back(nullptr);
  return &json[*index];
}

}  // namespace

Status LocatedJson::set(std::string_view assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Error{ErrorCode::kConfig,
                 fmt::format("--set {}: expected path.to.key=value", assignment)};
  }
  const std::string_view value_text = assignment.substr(equals + 1);
  std::string_view path = assignment.substr(0, equals);
  Json* place = &json_;
  std::string pointer;
  while (true) {
    const std::string_view part = path.substr(0, path.find('.'));
    COPPICE_TRY(place, descend(*place, part, assignment));
    pointer = child_pointer(pointer, part);
    if (part.size() == path.size()) break;
    path.remove_prefix(part.size() + 1);
  }
  const bool structured = !value_text.empty() && (value_text[0] == '{' || value_text[0] == '[');
  auto value = parse(value_text, fmt::format("--set {}", assignment));
  if (!value.ok() && structured) return value.error();
  *place = value.ok() ? value->json_ : Json(std::string(value_text));
  const auto below = [&](const std::string& other) {
    return other == pointer || other.rfind(pointer + "/", 0) == 0;
  };
  std::erase_if(places_, [&](const auto& entry) { return below(entry.first); });
  std::erase_if(overrides_, [&](const auto& entry) { return below(entry.first); });
  overrides_[pointer] = fmt::format("--set {}", assignment);
  return {};
}

std::string LocatedJson::error_at(const std::string& pointer, std::string_view message,
                                  bool at_key) const {
  const std::string shown = pointer.empty() ? "" : pointer + ": ";
  for (std::string parent = pointer;; parent.resize(parent.rfind('/'))) {
    if (const auto found = overrides_.find(parent); found != overrides_.end()) {
      return fmt::format("{}: {}{}", found->second, shown, message);
    }
    if (const auto found = places_.find(parent); found != places_.end()) {
      const bool key = at_key && parent == pointer;
      return fmt::format("{}:{}: {}{}", source_,
                         line_and_column(key ? found->second.key : found->second.value), shown,
                         message);
    }
    if (parent.empty()) return fmt::format("{}: {}{}", source_, shown, message);
  }
}

std::string LocatedJson::line_and_column(size_t offset) const {
  int line = 1;
  int column = 1;
  for (size_t i = 0; i < offset && i < text_.size(); ++i) {
    if (text_[i] == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text_[i]) & 0xC0) !=
               0x80) {  // Not inside a UTF-8 letter.
      ++column;
    }
  }
  return fmt::format("{}:{}", line, column);
}

}  // namespace coppice::sweep
