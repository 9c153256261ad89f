#include <fmt/format.h>

#include <charconv>

#include "deploy/guest.h"

namespace coppice::deploy {
namespace {

using Fields = std::vector<std::string_view>;

Fields split(std::string_view text, char separator) {
  Fields fields;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

bool read_number(std::string_view text, int base, uint32_t& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return !text.empty() && result.ec == std::errc() && result.ptr == text.data() + text.size();
}

bool read_bytes(std::string_view text, std::vector<int8_t>& bytes) {
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    uint32_t value = 0;
    if (!read_number(text.substr(i, 2), 16, value)) return false;
    bytes.push_back(static_cast<int8_t>(value));
  }
  return text.size() % 2 == 0;
}

// The layers of a profiled inference come before its total, which opens the next run.
class Parser {
 public:
  bool read(const Fields& fields) {
    const auto kind = fields[0];
    if (kind == "layer") return read_layer(fields);
    if (kind == "total") return read_total(fields);
    if (kind == "stack") return read_stack(fields);
    if (kind == "output") {
      return fields.size() == 3 && !report_.runs.empty() &&
             read_bytes(fields[2], report_.runs.back().output);
    }
    if (kind == "pass" || kind == "fail") {
      report_.passed = kind == "pass";
      ended_ = true;
    }
    return true;
  }
  bool ended() const { return ended_; }
  GuestReport take() { return std::move(report_); }

 private:
  bool read_layer(const Fields& fields) {
    uint32_t index = 0, instructions = 0, hash = 0;
    if (fields.size() != 4 || !read_number(fields[1], 10, index) ||
        !read_number(fields[2], 10, instructions) || !read_number(fields[3], 16, hash)) {
      return false;
    }
    layers_.push_back({static_cast<int>(index), instructions, hash});
    return true;
  }

  bool read_total(const Fields& fields) {
    uint32_t instructions = 0;
    if (fields.size() != 3 || !read_number(fields[2], 10, instructions)) return false;
    report_.runs.push_back({instructions, 0, {}, std::move(layers_)});
    layers_.clear();
    return true;
  }

  bool read_stack(const Fields& fields) {
    uint32_t bytes = 0;
    if (fields.size() != 3 || report_.runs.empty() || !read_number(fields[2], 10, bytes))
      return false;
    report_.runs.back().stack_bytes = bytes;
    return true;
  }

  GuestReport report_;
  std::vector<GuestLayer> layers_;
  bool ended_ = false;
};

}  // namespace

Result<GuestReport> parse_guest_report(std::string_view text) {
  Parser parser;
  for (const auto line : split(text, '\n')) {
    if (!parser.read(split(line, ';'))) {
      return Error{ErrorCode::kCorrupt, fmt::format("the firmware printed \"{}\", which is not a "
                                                    "line of its self-test",
                                                    line)};
    }
  }
  if (!parser.ended()) {
    return Error{ErrorCode::kCorrupt, "the firmware ended without the result of its self-test"};
  }
  return parser.take();
}

}  // namespace coppice::deploy
